import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { networksOf } from "./address.ts";
import { openDatabase } from "./database.ts";

/** A bucket of tries: `capacity` at once, and one more every `refillSeconds`. */
type Bucket = {
  key: string;
  capacity: number;
  refillSeconds: number;
  /** A right password is counted, too. */
  counted?: boolean;
  /** All strangers who try one account share this one. */
  shared?: boolean;
};

/** A permission to try one password, or how long to wait. */
export type Attempt =
  | {
      allowed: true;
      /** The password was right: the try is given back. */
      succeeded(): void;
      /** No password was checked after all: everything is given back. */
      withdraw(): void;
    }
  | {
      allowed: false;
      retryAfterSeconds: number;
      /** `account` if strangers have used up what this account allows them, wherever they are. */
      limit: "source" | "account";
    };

/** How long a failed login may wait to be told, in milliseconds. */
const FAILURE_WAITS_MS = 600_000;

/** How long an address counts as known after the last login from it, in days. */
const KNOWN_ADDRESS_DAYS = 180;

/** Known addresses of one account; the latest count. */
const MOST_KNOWN_ADDRESSES = 20;

/** Counters that are kept, unless the constructor is told otherwise. Beyond it the emptiest go. */
const MOST_COUNTERS = 100_000;

/** How many tries there are between two looks at the number of rows. */
const TIDY_AFTER_TRIES = 1_000;

/**
 * Slows down guessing (OWASP authentication cheat sheet; ASVS 5.0, 6.3.1; NIST SP 800-63B-4, 3.2.2).
 *
 * Each source has its own tries at each account: 10 at once and then one a minute, 20 in the long run and then one
 * every 15 minutes. A source is an address or, for IPv6, a /64 and also the /48 around it. Strangers all together
 * have 100 tries at one account, and one more every 36 seconds. A single address gets 4 tries an hour in the long run
 * and never uses that up, so whoever guesses from one place does not keep the owner out anywhere else. It takes 25
 * addresses at work to do so, and then only for strangers: a browser that was kept logged in (a device cookie, as
 * OWASP describes it) and an address that the owner has logged in from do not need the shared tries.
 *
 * A try is taken before the password is checked and given back if it was right, so a burst of parallel guesses gets
 * no more than one after the other would. Kept in SQLite: all processes of the site count together.
 */
export class Throttle {
  readonly #db: DatabaseSync;
  readonly #now: () => number;
  readonly #mostCounters: number;
  /** The statements that each try runs several times. */
  readonly #read: StatementSync;
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  #untilTidy = 0;
  #triesSinceTidy = 0;

  constructor(dataDir: string, now: () => number, mostCounters = MOST_COUNTERS) {
    this.#now = now;
    this.#mostCounters = mostCounters;
    this.#db = openDatabase(join(dataDir, "throttle.db"), [
      (db) => {
        db.exec(
          `CREATE TABLE spent (key BLOB PRIMARY KEY, tries REAL NOT NULL, at INTEGER NOT NULL, forget_at INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
        );
        db.exec(`CREATE INDEX spent_forget_at ON spent (forget_at)`);
        db.exec(`CREATE TABLE known (key BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
      },
      (db) => {
        // What is counted has changed, and of an old known address nobody can tell whose it is.
        db.exec(`DELETE FROM spent; DROP TABLE known`);
        db.exec(
          `CREATE TABLE known (account BLOB NOT NULL, network BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (account, network)) STRICT, WITHOUT ROWID`,
        );
        db.exec(
          `CREATE TABLE failures (key BLOB PRIMARY KEY, forget_at INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
        );
      },
    ]);
    this.#read = this.#db.prepare("SELECT tries, at FROM spent WHERE key = ?");
    this.#drop = this.#db.prepare("DELETE FROM spent WHERE key = ?");
    this.#put = this.#db.prepare(
      "INSERT INTO spent (key, tries, at, forget_at) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET tries = excluded.tries, at = excluded.at, forget_at = excluded.forget_at",
    );
  }

  /**
   * Asks for one try at a login. The account need not exist: both cases must look alike.
   *
   * @param address the visitor's IP address, as `addressOf` reads it.
   * @param device a browser that has proved to be this account's own: its device cookie's id, or its session.
   */
  login(accountKey: string, address: string, device?: string): Attempt {
    const account = digest("account", accountKey);
    if (device !== undefined) {
      // Nobody else can fill these, so they are all that counts.
      const own = `device ${device} of ${accountKey}`;
      return this.#take([...tries(own), work(`devices of ${accountKey}`, 1)]);
    }
    const networks = networksOf(address);
    const network = digest("network", networks[0] ?? "");
    const buckets: Bucket[] = [];
    for (const [at, source] of networks.entries()) {
      const isWide = at > 0;
      const share = isWide ? 4 : 1;
      buckets.push(
        ...tries(`${accountKey} from ${source}`, isWide),
        { key: `logins from ${source}`, capacity: 30 * share, refillSeconds: 20 / share },
        work(source, share),
      );
    }
    if (!this.#isKnown(account, network)) {
      buckets.push({ key: `account ${accountKey}`, capacity: 100, refillSeconds: 36, shared: true });
    }
    const attempt = this.#take(buckets);
    if (!attempt.allowed) return attempt;
    return {
      ...attempt,
      succeeded: () => {
        attempt.succeeded();
        this.#remember(account, network);
      },
    };
  }

  /** Asks for one new account. These are not given back: making accounts is what is rare. */
  signUp(address: string): Attempt {
    return this.#take(
      networksOf(address).map((source, at) => ({
        key: `sign-ups from ${source}`,
        capacity: at === 0 ? 30 : 120,
        refillSeconds: at === 0 ? 20 : 5,
        counted: true,
      })),
    );
  }

  /** Notes that a login failed, to be told once. Returns the name of the note. */
  noteFailure(): string {
    const name = randomUUID();
    this.#db
      .prepare("INSERT INTO failures (key, forget_at) VALUES (?, ?)")
      .run(digest(name), this.#now() + FAILURE_WAITS_MS);
    return name;
  }

  /** Whether this failed login is still to be told; from here on it has been. */
  takeFailure(name: string): boolean {
    const { changes } = this.#db
      .prepare("DELETE FROM failures WHERE key = ? AND forget_at >= ?")
      .run(digest(name), this.#now());
    return changes === 1;
  }

  /** How many counters there are. */
  get size(): number {
    return Number(this.#db.prepare("SELECT count(*) AS size FROM spent").get()?.["size"]);
  }

  /** Closes the file. */
  close(): void {
    this.#db.close();
  }

  #take(buckets: readonly Bucket[]): Attempt {
    const now = this.#now();
    this.#tidy(now);
    return this.#locked(() => {
      const levels = buckets.map((bucket) => this.#spent(bucket, now));
      let longest: { wait: number; bucket: Bucket } | undefined;
      for (const [at, bucket] of buckets.entries()) {
        const wait = Math.max(0, (levels[at] ?? 0) + 1 - bucket.capacity) * bucket.refillSeconds;
        if (wait > (longest?.wait ?? 0)) longest = { wait, bucket };
      }
      if (longest !== undefined) {
        return {
          allowed: false,
          retryAfterSeconds: Math.ceil(longest.wait),
          limit: longest.bucket.shared === true ? "account" : "source",
        };
      }
      buckets.forEach((bucket, at) => this.#write(bucket, (levels[at] ?? 0) + 1, now));
      return {
        allowed: true,
        succeeded: () => this.#restoreFlashes(buckets.filter((bucket) => bucket.counted !== true)),
        withdraw: () => this.#restoreFlashes(buckets),
      };
    });
  }

  #restoreFlashes(buckets: readonly Bucket[]): void {
    const now = this.#now();
    this.#locked(() => {
      for (const bucket of buckets) this.#write(bucket, this.#spent(bucket, now) - 1, now);
    });
  }

  /** Tries spent and not yet refilled. A clock that went backwards refills nothing. */
  #spent(bucket: Bucket, now: number): number {
    const row = this.#read.get(digest(bucket.key));
    if (!row) return 0;
    const seconds = Math.max(0, now - Number(row["at"])) / 1_000;
    return Math.max(0, Number(row["tries"]) - seconds / bucket.refillSeconds);
  }

  #write(bucket: Bucket, level: number, now: number): void {
    const key = digest(bucket.key);
    if (level <= 0) this.#drop.run(key);
    else this.#put.run(key, level, now, now + Math.ceil(level * bucket.refillSeconds * 1_000));
  }

  #isKnown(account: Buffer, network: Buffer): boolean {
    const since = this.#now() - KNOWN_ADDRESS_DAYS * 86_400_000;
    const row = this.#db
      .prepare("SELECT 1 FROM known WHERE account = ? AND network = ? AND at >= ?")
      .get(account, network, since);
    return row !== undefined;
  }

  #remember(account: Buffer, network: Buffer): void {
    this.#locked(() => {
      this.#db
        .prepare(
          "INSERT INTO known (account, network, at) VALUES (?, ?, ?) ON CONFLICT (account, network) DO UPDATE SET at = excluded.at",
        )
        .run(account, network, this.#now());
      this.#db
        .prepare(
          "DELETE FROM known WHERE account = ?1 AND network NOT IN (SELECT network FROM known WHERE account = ?1 ORDER BY at DESC LIMIT ?2)",
        )
        .run(account, MOST_KNOWN_ADDRESSES);
    });
  }

  /**
   * Refilled buckets and old addresses mean nothing; without this, made-up names would fill the disk. If there are too
   * many all the same, the emptiest go first: made-up names have a try or two, an account under attack has many.
   */
  #tidy(now: number): void {
    this.#triesSinceTidy += 1;
    if (now < this.#untilTidy && this.#triesSinceTidy < TIDY_AFTER_TRIES) return;
    this.#untilTidy = now + 60_000;
    this.#triesSinceTidy = 0;
    this.#db.prepare("DELETE FROM spent WHERE forget_at < ?").run(now);
    this.#db.prepare("DELETE FROM failures WHERE forget_at < ?").run(now);
    this.#db.prepare("DELETE FROM known WHERE at < ?").run(now - KNOWN_ADDRESS_DAYS * 86_400_000);
    if (this.size <= this.#mostCounters) return;
    // A tenth more than needed, so that this is not done each time.
    this.#db
      .prepare(
        "DELETE FROM spent WHERE key IN (SELECT key FROM spent ORDER BY tries, forget_at LIMIT max(0, (SELECT count(*) FROM spent) - ?))",
      )
      .run(Math.floor(this.#mostCounters * 0.9));
  }

  #locked<T>(run: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = run();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

/** What a password check found; one that could not be made (too many people wait for theirs) is not held against anybody. */
export async function checked(
  attempt: Attempt & { allowed: true },
  check: Promise<boolean>,
): Promise<boolean> {
  try {
    return await check;
  } catch (error) {
    attempt.withdraw();
    throw error;
  }
}

/** What one source has at one account. A wide source, a block of networks, has more, and no quick refill. */
function tries(source: string, wide = false): Bucket[] {
  if (wide) return [{ key: `long ${source}`, capacity: 40, refillSeconds: 450 }];
  return [
    { key: `short ${source}`, capacity: 10, refillSeconds: 60 },
    { key: `long ${source}`, capacity: 20, refillSeconds: 900 },
  ];
}

/** How many passwords are hashed for one source, right ones included: hashing keeps the processor busy for everybody. */
function work(source: string, share: number): Bucket {
  return { key: `work for ${source}`, capacity: 120 * share, refillSeconds: 1 / share, counted: true };
}

/** Names and addresses are personal: the file holds only digests of them. */
function digest(...parts: string[]): Buffer {
  return createHash("sha256").update(JSON.stringify(parts)).digest();
}

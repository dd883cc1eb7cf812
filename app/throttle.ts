import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { networksOf } from "./address.ts";
import { openDatabase } from "./database.ts";

/** A token bucket: `capacity` tries at once, and one more every `refillSeconds`. */
type Bucket = {
  key: string;
  capacity: number;
  refillSeconds: number;
  /** Tries with a correct password count as well. */
  counted?: boolean;
  /** Shared by all strangers who try one account. */
  shared?: boolean;
};

/** Permission to try one password, or how long to wait. */
export type Attempt =
  | {
      allowed: true;
      /** The password was correct: gives the try back. */
      succeeded(): void;
      /** No password was checked: gives everything back. */
      withdraw(): void;
    }
  | {
      allowed: false;
      retryAfterSeconds: number;
      /** `account` if strangers everywhere together have used up the tries that this account allows them. */
      limit: "source" | "account";
    };

/** How long the message about a failed login may wait, in milliseconds. */
const FAILURE_WAITS_MS = 600_000;

/** How long an address counts as known after the last login from it, in days. */
const KNOWN_ADDRESS_DAYS = 180;

/** The most known addresses of one account; older ones are dropped. */
const MOST_KNOWN_ADDRESSES = 20;

/** The default for the most counters to keep. Beyond it, the emptiest are dropped. */
const MOST_COUNTERS = 100_000;

/** How many tries there are between two checks of the number of rows. */
const TIDY_AFTER_TRIES = 1_000;

/**
 * Slows down guessing (OWASP authentication cheat sheet; ASVS 5.0, 6.3.1; NIST SP 800-63B-4, 3.2.2).
 *
 * Each source has its own tries at each account: 10 at once and then one a minute, 20 in the long run and then one
 * every 15 minutes. A source is an address or, for IPv6, a /64 and also the /48 around it. All strangers together
 * have 100 tries at one account, and one more every 36 seconds. A single address gets 4 tries an hour in the long run
 * and never uses these up, so guessing from one place does not lock the owner out anywhere else. That takes 25
 * addresses, and then affects only strangers: a browser that was kept logged in (a device cookie, as OWASP describes
 * it) and an address from which the owner has logged in do not need the shared tries.
 *
 * A try is taken before the password is checked, and given back if it was correct, so parallel guesses get no more
 * tries than sequential ones. The counters are in SQLite and shared by all processes of the site.
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
        // The counters have changed, and an old known address does not say whose it is.
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
   * Takes one try at a login. The account need not exist, and both cases must look the same.
   *
   * @param address the visitor's IP address, as `addressOf` returns it.
   * @param device identifies a browser that is known to be this account's own: by its device cookie or its session.
   */
  login(accountKey: string, address: string, device?: string): Attempt {
    const account = digest("account", accountKey);
    if (device !== undefined) {
      // Nobody else can use these up, so no others are needed.
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

  /** Takes one try at creating an account. It is never given back, since the number of new accounts is limited. */
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

  /** Records a failed login, to be shown once. Returns the name of the entry. */
  noteFailure(): string {
    const name = randomUUID();
    this.#db
      .prepare("INSERT INTO failures (key, forget_at) VALUES (?, ?)")
      .run(digest(name), this.#now() + FAILURE_WAITS_MS);
    return name;
  }

  /** Whether this failed login is still to be shown. Returns true only once. */
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
        succeeded: () => this.#giveBack(buckets.filter((bucket) => bucket.counted !== true)),
        withdraw: () => this.#giveBack(buckets),
      };
    });
  }

  #giveBack(buckets: readonly Bucket[]): void {
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
   * Removes full buckets and old addresses, since invented names would otherwise fill the disk. If there are still
   * too many, the emptiest go first: invented names have a try or two, an account under attack has many.
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
    // A tenth more than needed, so that this is not necessary every time.
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

/** Returns the result of a password check. If it could not be made (too many are waiting), the try is withdrawn. */
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

/** The tries of one source at one account. A wide source, a block of networks, has more tries but no quick refill. */
function tries(source: string, wide = false): Bucket[] {
  if (wide) return [{ key: `long ${source}`, capacity: 40, refillSeconds: 450 }];
  return [
    { key: `short ${source}`, capacity: 10, refillSeconds: 60 },
    { key: `long ${source}`, capacity: 20, refillSeconds: 900 },
  ];
}

/** Limits the passwords hashed for one source, including correct ones: hashing slows everybody down. */
function work(source: string, share: number): Bucket {
  return { key: `work for ${source}`, capacity: 120 * share, refillSeconds: 1 / share, counted: true };
}

/** The file contains only digests of names and addresses, which are personal. */
function digest(...parts: string[]): Buffer {
  return createHash("sha256").update(JSON.stringify(parts)).digest();
}

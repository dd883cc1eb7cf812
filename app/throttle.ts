import { createHash } from "node:crypto";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "./database.ts";

/** A bucket of tries: `capacity` at once, and one more every `refillSeconds`. */
type Bucket = { key: string; capacity: number; refillSeconds: number };

/** A permission to try, to be given back when the password was right; or how long to wait. */
export type Attempt = { allowed: true; succeeded(): void } | { allowed: false; retryAfterSeconds: number };

const KNOWN_ADDRESS_DAYS = 180;

/**
 * Slows down guessing, by account and by address (OWASP authentication cheat sheet, ASVS 6.3.1).
 *
 * Nothing is ever locked: each bucket refills, so the owner waits a minute at worst. And an address
 * from which the owner has logged in before has a bucket of its own, so a stranger who guesses all
 * day from elsewhere does not even make the owner wait. A try is taken before the password is
 * checked and given back when it was right, so a burst of parallel guesses gets no more than one
 * after the other would. Kept in SQLite: all processes of the site count together.
 */
export class Throttle {
  readonly #db: DatabaseSync;
  readonly #now: () => number;
  #untilTidy = 0;

  constructor(dataDir: string, now: () => number) {
    this.#now = now;
    this.#db = openDatabase(join(dataDir, "throttle.db"), [
      (db) => {
        db.exec(
          `CREATE TABLE spent (key BLOB PRIMARY KEY, tries REAL NOT NULL, at INTEGER NOT NULL, forget_at INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
        );
        db.exec(`CREATE INDEX spent_forget_at ON spent (forget_at)`);
        db.exec(`CREATE TABLE known (key BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
      },
    ]);
  }

  /** Asks for one try at a login. The account need not exist: both cases must look alike. */
  login(accountKey: string, address: string): Attempt {
    const pair = digest("known", accountKey, address);
    const since = this.#now() - KNOWN_ADDRESS_DAYS * 86_400_000;
    const known =
      this.#db.prepare("SELECT 1 FROM known WHERE key = ? AND at >= ?").get(pair, since) !== undefined;
    const account: Bucket = known
      ? { key: `account ${accountKey} at ${address}`, capacity: 10, refillSeconds: 20 }
      : { key: `account ${accountKey}`, capacity: 10, refillSeconds: 60 };
    const attempt = this.#take([account, addressBucket("login", address)]);
    if (!attempt.allowed) return attempt;
    return {
      allowed: true,
      succeeded: () => {
        attempt.succeeded();
        this.#remember(pair);
      },
    };
  }

  /** Asks for one new account. These are not given back: making accounts is what is rare. */
  signUp(address: string): Attempt {
    return this.#take([addressBucket("sign-up", address)]);
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
      const waits = buckets.map(
        (bucket, at) => Math.max(0, (levels[at] ?? 0) + 1 - bucket.capacity) * bucket.refillSeconds,
      );
      const wait = Math.max(...waits);
      if (wait > 0) return { allowed: false, retryAfterSeconds: Math.ceil(wait) };
      buckets.forEach((bucket, at) => this.#write(bucket, (levels[at] ?? 0) + 1, now));
      return { allowed: true, succeeded: () => this.#giveBack(buckets) };
    });
  }

  #giveBack(buckets: readonly Bucket[]): void {
    const now = this.#now();
    this.#locked(() => {
      for (const bucket of buckets) this.#write(bucket, Math.max(0, this.#spent(bucket, now) - 1), now);
    });
  }

  /** Tries spent and not yet refilled. A clock that went backwards refills nothing. */
  #spent(bucket: Bucket, now: number): number {
    const row = this.#db.prepare("SELECT tries, at FROM spent WHERE key = ?").get(digest(bucket.key));
    if (!row) return 0;
    const seconds = Math.max(0, now - Number(row["at"])) / 1_000;
    return Math.max(0, Number(row["tries"]) - seconds / bucket.refillSeconds);
  }

  #write(bucket: Bucket, tries: number, now: number): void {
    const forgetAt = now + Math.ceil(tries * bucket.refillSeconds * 1_000);
    this.#db
      .prepare(
        "INSERT INTO spent (key, tries, at, forget_at) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET tries = excluded.tries, at = excluded.at, forget_at = excluded.forget_at",
      )
      .run(digest(bucket.key), tries, now, forgetAt);
  }

  #remember(pair: Buffer): void {
    this.#db
      .prepare("INSERT INTO known (key, at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET at = excluded.at")
      .run(pair, this.#now());
  }

  /** Full buckets and old addresses mean nothing; without this, made-up names would fill the disk. */
  #tidy(now: number): void {
    if (now < this.#untilTidy) return;
    this.#untilTidy = now + 60_000;
    this.#db.prepare("DELETE FROM spent WHERE forget_at < ?").run(now);
    this.#db.prepare("DELETE FROM known WHERE at < ?").run(now - KNOWN_ADDRESS_DAYS * 86_400_000);
  }

  #locked<T>(work: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

function addressBucket(what: "login" | "sign-up", address: string): Bucket {
  return { key: `${what} from ${address}`, capacity: 30, refillSeconds: 20 };
}

/** Names and addresses are personal: the file holds only digests of them. */
function digest(...parts: string[]): Buffer {
  return createHash("sha256").update(JSON.stringify(parts)).digest();
}

/** One address of IPv6 is nothing: whoever has one has a whole /64, so that is what counts. */
export function networkOf(address: string | undefined): string {
  if (!address) return "unknown";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1]) return mapped[1];
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? [];
  const left = head === "" ? [] : head.split(":");
  const right = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

import * as crypto from "node:crypto";
import { availableParallelism } from "node:os";

/** The cost of an argon2id hash. Stored with each hash, so that it can be raised later. */
export type HashCost = { memoryKiB: number; passes: number };

/** OWASP's password storage cheat sheet: argon2id with 19 MiB, 2 passes, 1 lane. */
const DEFAULT_COST: HashCost = { memoryKiB: 19_456, passes: 2 };

/** The longest password that is hashed, in bytes of UTF-8 (ASVS 6.2.9: 64 characters must work). */
const MAX_PASSWORD_BYTES = 1_024;

/** The shortest password for a new account, in characters (NIST SP 800-63B-4, 3.1.1.2). */
export const MIN_PASSWORD_CHARACTERS = 8;

const TAG_BYTES = 32;

/** Thrown if too many people are already waiting for a hash. The response is 503. */
export class BusyError extends Error {
  override name = "BusyError";
}

/** Whether a password is too long to be hashed at all, checked before any work is done. */
export function isTooLong(password: string): boolean {
  return Buffer.byteLength(password) > MAX_PASSWORD_BYTES;
}

/** What is wrong with a new password, as a sentence; `undefined` if it is valid. */
export function passwordProblem(password: string): string | undefined {
  if ([...password].length < MIN_PASSWORD_CHARACTERS)
    return `Please choose a password of at least ${MIN_PASSWORD_CHARACTERS} characters.`;
  if (isTooLong(password)) return `Please choose a password of at most ${MAX_PASSWORD_BYTES} bytes.`;
  return undefined;
}

/**
 * Hashes and checks passwords, exactly as received: no trimming, no folding, no truncation.
 *
 * A hash keeps a core busy for tens of milliseconds, so only a few run at once. One core stays free for other
 * pages, and if the queue is full, the visitor is asked to try again.
 */
export class Passwords {
  readonly #cost: HashCost;
  readonly #atOnce = Math.max(1, Math.min(3, availableParallelism() - 1));
  readonly #longestQueue = 256;
  readonly #waiting: (() => void)[] = [];
  readonly #nobody: string;
  #running = 0;

  constructor(cost: HashCost = DEFAULT_COST) {
    this.#cost = cost;
    this.#nobody = this.hashAtStart(crypto.randomBytes(16).toString("base64url"));
  }

  /** Hashes a new password with the current cost. */
  async hash(password: string): Promise<string> {
    const nonce = crypto.randomBytes(16);
    return encode(this.#cost, nonce, await this.#derive(password, nonce, this.#cost));
  }

  /** Hashes a new password synchronously, for accounts that are created at startup. */
  hashAtStart(password: string): string {
    const nonce = crypto.randomBytes(16);
    return encode(this.#cost, nonce, crypto.argon2Sync("argon2id", parameters(password, nonce, this.#cost)));
  }

  /**
   * Whether the password matches the stored hash. Without a stored hash (nobody has that name), it takes just as
   * long on a placeholder, so that the response time does not reveal which accounts exist.
   */
  async matches(password: string, stored: string | undefined): Promise<boolean> {
    const known = decode(stored ?? this.#nobody);
    const tag = await this.#derive(password, known.nonce, known.cost);
    return crypto.timingSafeEqual(tag, known.tag) && stored !== undefined;
  }

  /** Whether a stored hash was made with other parameters than the current ones, and should be replaced. */
  isOutdated(stored: string): boolean {
    const { cost } = decode(stored);
    return cost.memoryKiB !== this.#cost.memoryKiB || cost.passes !== this.#cost.passes;
  }

  async #derive(password: string, nonce: Buffer, cost: HashCost): Promise<Buffer> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.length >= this.#longestQueue) throw new BusyError("Too many logins at once.");
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await derive(password, nonce, cost);
    } finally {
      // The slot is passed on rather than freed, so that no newcomer can take it.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

function parameters(password: string, nonce: Buffer, cost: HashCost) {
  return {
    message: Buffer.from(password, "utf8"),
    nonce,
    parallelism: 1,
    tagLength: TAG_BYTES,
    memory: cost.memoryKiB,
    passes: cost.passes,
  };
}

function derive(password: string, nonce: Buffer, cost: HashCost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    crypto.argon2("argon2id", parameters(password, nonce, cost), (error, tag) => {
      if (error) reject(error);
      else resolve(tag);
    });
  });
}

/** The usual text form of an argon2 hash (PHC string format). */
function encode(cost: HashCost, nonce: Buffer, tag: Buffer): string {
  const bare = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");
  return `$argon2id$v=19$m=${cost.memoryKiB},t=${cost.passes},p=1$${bare(nonce)}$${bare(tag)}`;
}

function decode(stored: string): { cost: HashCost; nonce: Buffer; tag: Buffer } {
  const [, memory, passes, nonce, tag] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$([\w+/]+)\$([\w+/]+)$/.exec(stored) ?? [];
  if (!memory || !passes || !nonce || !tag)
    throw new Error("A stored password hash is not in the form that this site writes.");
  return {
    cost: { memoryKiB: Number(memory), passes: Number(passes) },
    nonce: Buffer.from(nonce, "base64"),
    tag: Buffer.from(tag, "base64"),
  };
}

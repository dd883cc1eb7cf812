import { StoreError, unreadableRecord } from "../../errors.ts";
import { expiresAt } from "../../record/record.ts";
import type { SessionRecord } from "../../record/record.ts";
import type { Patch, PatchOutcome } from "../../record/patch.ts";
import type { Store } from "../../record/store.ts";
import { assertOption } from "../../runtime/check-options.ts";
import type { MaybePromise } from "../../runtime/maybe-promise.ts";
import { RedisCalls } from "./calls.ts";
import type { RedisConnection } from "./connection.ts";
import { isForeign } from "./errors.ts";
import type { NearCache } from "./near-cache.ts";
import { fieldOf, fromHash, patchArguments, toHash } from "./record-hash.ts";
import { ScriptCalls } from "./script-calls.ts";
import type { Replication } from "./script-calls.ts";
import { create, patch as patchScript } from "./scripts.ts";
import type { RedisWarning } from "./startup-check.ts";
import { SubjectIndex } from "./subject-index.ts";

/** The `prefix` option. @throws ConfigError CONFIG_INVALID */
export function checkedPrefix(prefix = "coatcheck:"): string {
  assertOption(
    typeof prefix === "string" && /^[\w.:/-]{1,64}$/.test(prefix),
    'prefix must be 1 to 64 letters, digits and . _ : / -, such as "shop:session:".',
  );
  return prefix;
}

interface Parts {
  readonly connection: RedisConnection;
  readonly prefix: string;
  readonly timeout: number;
  readonly replication: Replication | undefined;
  readonly near: NearCache | undefined;
  readonly onWarning: ((warning: RedisWarning) => void) | false;
}

/** How often a patch is tried while other calls change the session's subject. */
const maxAttempts = 10;

/** @internal Keeps records in Redis, by whatever connection. */
export class RedisStore implements Store {
  readonly name: string;
  readonly inProcess = false;
  readonly #parts: Parts;
  readonly #calls: RedisCalls;
  readonly #scripts: ScriptCalls;
  readonly #index: SubjectIndex;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.name = parts.connection.store;
    const { connection, prefix, onWarning } = parts;
    this.#calls = new RedisCalls(connection, onWarning);
    this.#scripts = new ScriptCalls(connection, parts.timeout);
    this.#index = new SubjectIndex(this.#scripts, (key) => connection.hash(key), prefix);
  }

  async create(record: SessionRecord, timeout?: number): Promise<boolean> {
    return this.#calls.run("create", async (start) => {
      const until = this.#scripts.until(start, timeout);
      const { id, subject, lastSeenAt, absoluteDeadline } = record;
      if (subject !== null) await this.#index.add(subject, id, absoluteDeadline - lastSeenAt, until);
      const life = Math.ceil(expiresAt(record) - lastSeenAt) - 1;
      const args = [String(life), ...toHash(record)];
      const [status] = await this.#scripts.run("create", create, this.#keyOf(id), args, until);
      return status === "created";
    });
  }

  read(id: string, now: number, authoritative = false): MaybePromise<SessionRecord | null> {
    const { near } = this.#parts;
    const cached = authoritative ? undefined : near?.recall(id);
    if (cached !== undefined) return expiresAt(cached) <= now ? null : cached;
    return this.#calls.run("read", async () => {
      const readDirectly = async (): Promise<SessionRecord | null> => {
        const record = await this.#find(id);
        if (record === undefined) throw unreadableRecord("read");
        return record;
      };
      const record = await (near === undefined || authoritative
        ? readDirectly()
        : near.read(id, readDirectly));
      return record === null || expiresAt(record) <= now ? null : record;
    });
  }

  async patch(id: string, patch: Patch, now: number, timeout?: number): Promise<PatchOutcome> {
    return this.#calls.run("patch", async (start) => {
      this.#parts.near?.forget(id);
      try {
        return await this.#patch(id, patch, now, this.#scripts.until(start, timeout));
      } finally {
        this.#parts.near?.forget(id);
      }
    });
  }

  async list(subject: string, now: number): Promise<SessionRecord[]> {
    return this.#calls.run("list", async () => {
      const records = await this.#index.list(subject, (id) => this.#find(id));
      return records.filter((record) => expiresAt(record) > now);
    });
  }

  /** Only cleans up indexes: Redis deletes expired keys itself. */
  async sweep(_now: number, limit: number): Promise<number> {
    return this.#calls.run("sweep", async () => {
      await this.#index.sweep(limit, (id) => this.#find(id));
      return 0;
    });
  }

  close(): void {
    this.#parts.near?.close();
    this.#parts.connection.release();
    this.#parts.replication?.connection.release();
  }

  async #patch(id: string, patch: Patch, now: number, until: number): Promise<PatchOutcome> {
    const { subject, absoluteDeadline, epoch, verifier } = patch.columns ?? {};
    const replication = epoch === undefined && verifier === undefined ? undefined : this.#parts.replication;
    let indexed: { readonly subject: string; readonly until: number } | undefined;
    if (typeof subject === "string" && absoluteDeadline !== undefined) {
      indexed = { subject, until: absoluteDeadline };
    }
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      if (indexed !== undefined) {
        await this.#index.add(indexed.subject, id, indexed.until - now, until, replication);
      }
      const args = patchArguments(patch, now, indexed);
      const key = this.#keyOf(id);
      const [status, ...rest] = await this.#scripts.run("patch", patchScript, key, args, until, replication);
      const outcome = await this.#outcome(id, status, rest);
      if (outcome !== undefined) return outcome;
      indexed = { subject: String(rest[0]), until: Number(rest[1]) };
    }
    throw new StoreError(
      "STORE_BUSY",
      "patch",
      `The ${this.name} store could not patch: other calls keep changing the session's subject.`,
      { transient: true },
    );
  }

  /** Returns `undefined` if the id must be added to an index first. */
  async #outcome(id: string, status: string, rest: readonly unknown[]): Promise<PatchOutcome | undefined> {
    if (status === "index") return undefined;
    if (status === "gone") return { kind: "gone" };
    if (status === "applied") {
      const removed = Array.isArray(rest[1]) ? rest[1].map((name) => fieldOf(String(name))) : [];
      return { kind: "applied", revision: Number(rest[0]), removed };
    }
    if (status === "full") return { kind: "full", limit: String(rest[0]) === "bytes" ? "bytes" : "fields" };
    if (status !== "conflict") throw unreadableRecord("patch");
    // With a WAIT after the script, the reply may come as text, which damages bytes.
    const record = fromHash(id, rest[0]) ?? (await this.#find(id));
    if (record === undefined) throw unreadableRecord("patch");
    return record === null ? { kind: "gone" } : { kind: "conflict", record };
  }

  /** The record, expired or not; `undefined` if it can't be read. */
  async #find(id: string): Promise<SessionRecord | null | undefined> {
    try {
      return fromHash(id, await this.#parts.connection.hash(this.#keyOf(id)));
    } catch (error) {
      if (isForeign(error)) return undefined;
      throw error;
    }
  }

  #keyOf(id: string): string {
    return `${this.#parts.prefix}session:${id}`;
  }
}

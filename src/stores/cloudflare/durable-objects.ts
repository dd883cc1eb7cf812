import { ConfigError, unreadableRecord } from "../../errors.ts";
import type { StoreOperation } from "../../errors.ts";
import { packRecord, unpackRecord } from "../../record/binary/record.ts";
import type { Patch, PatchOutcome } from "../../record/patch.ts";
import { expiresAt } from "../../record/record.ts";
import type { SessionRecord } from "../../record/record.ts";
import type { Store } from "../../record/store.ts";
import { fingerprintOf } from "../../runtime/two-generation-cache.ts";
import { asStoreError, isRetryable, late, storeError } from "./errors.ts";
import { encodePatch } from "./wire.ts";
import type { Answer, Call, OutcomeOnWire, RecordOnWire } from "./wire.ts";

/** What the store uses of the binding of a Durable Object class. */
export interface DurableObjectNamespaceLike {
  idFromName(name: string): object;
  get(id: object, options?: { locationHint?: string }): DurableObjectStubLike;
}

/** What the store uses of a Durable Object. */
export interface DurableObjectStubLike {
  fetch(
    url: string,
    init: { method: "POST"; body: string },
  ): Promise<{ readonly status: number; json(): Promise<unknown> }>;
}

const name = "durable-objects";

/** How long a write may take if its caller does not say, in milliseconds: the default of `storeTimeout`. */
const defaultTimeout = 2000;

export class ShardedStore implements Store {
  readonly name = name;
  readonly inProcess = false;
  readonly #namespace: DurableObjectNamespaceLike;
  readonly #shards: number;
  readonly #options: { readonly locationHint: string } | undefined;
  /** How many milliseconds each object's clock is ahead of this machine's, as of its last answer. */
  readonly #ahead: number[];

  constructor(namespace: DurableObjectNamespaceLike, shards: number, locationHint: string | undefined) {
    this.#namespace = namespace;
    this.#shards = shards;
    this.#options = locationHint === undefined ? undefined : { locationHint };
    this.#ahead = Array.from({ length: shards }, () => 0);
  }

  async create(record: SessionRecord, timeout = defaultTimeout): Promise<boolean> {
    const { id, subject } = record;
    const row = { id, subject, expiresAt: expiresAt(record), record: toBase64(packRecord(record)) };
    const shard = this.#shardOf(id);
    return this.#call<boolean>(shard, {
      operation: "create",
      deadline: this.#deadline(shard, timeout),
      row,
    });
  }

  async read(id: string, now: number): Promise<SessionRecord | null> {
    const found = await this.#call<RecordOnWire | null>(this.#shardOf(id), { operation: "read", id, now });
    return found === null ? null : recordOf("read", id, found);
  }

  async patch(id: string, patch: Patch, now: number, timeout = defaultTimeout): Promise<PatchOutcome> {
    const shard = this.#shardOf(id);
    const outcome = await this.#call<OutcomeOnWire>(shard, {
      operation: "patch",
      deadline: this.#deadline(shard, timeout),
      id,
      patch: encodePatch(patch),
      now,
    });
    return outcome.kind === "conflict"
      ? { kind: "conflict", record: recordOf("patch", id, outcome.record) }
      : outcome;
  }

  async list(subject: string, now: number): Promise<SessionRecord[]> {
    const found = await Promise.all(
      this.#all.map(async (shard) => this.#call<RecordOnWire[]>(shard, { operation: "list", subject, now })),
    );
    // A damaged record must not hide a person's other sessions.
    return found.flat().flatMap(({ id, record }) => unpackRecord(id, fromBase64(record)) ?? []);
  }

  async sweep(now: number, limit: number): Promise<number> {
    let deleted = 0;
    let waiting = this.#all;
    while (waiting.length > 0 && deleted < limit) {
      // All at once, each with its share. Those that had more than their share are asked again.
      const asked = waiting.slice(0, limit - deleted);
      const share = Math.floor((limit - deleted) / asked.length);
      const counts = await Promise.all(
        asked.map(async (shard) => this.#call<number>(shard, { operation: "sweep", now, limit: share })),
      );
      deleted += counts.reduce((sum, count) => sum + count, 0);
      waiting = [...asked.filter((_, at) => counts[at] === share), ...waiting.slice(asked.length)];
    }
    return deleted;
  }

  close(): void {}

  get #all(): number[] {
    return Array.from({ length: this.#shards }, (_, shard) => shard);
  }

  /** Ids are random from their first character on. */
  #shardOf(id: string): number {
    return fingerprintOf(id.padEnd(5), 0) % this.#shards;
  }

  /** By the object's clock, so that it can refuse a write which waited too long in its queue. */
  #deadline(shard: number, timeout: number): number {
    return Math.floor(Date.now() + timeout + (this.#ahead[shard] ?? 0));
  }

  async #call<Result>(shard: number, call: Call): Promise<Result> {
    const { operation } = call;
    let answer: Answer;
    try {
      answer = await this.#send(shard, call);
    } catch (error) {
      // Only a read is certain to do no harm the second time.
      if (operation !== "read" || !isRetryable(error)) throw asStoreError(name, operation, error);
      try {
        answer = await this.#send(shard, call);
      } catch (again) {
        throw asStoreError(name, operation, again);
      }
    }
    this.#ahead[shard] = answer.clock - Date.now();
    if (answer.problem === "late") throw storeError(name, operation, late);
    if (answer.problem === "unreadable") throw unreadableRecord(operation);
    if (answer.problem === "no-sql") {
      throw new ConfigError(
        "CONFIG_INVALID",
        "The class SessionShard has no SQLite storage. List it in new_sqlite_classes of a migration in wrangler's configuration.",
      );
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what an object of this package answers to the operation
    return answer.result as Result;
  }

  /** A stub belongs to the request that made it, and one that has failed may not work again. So each call makes its own. */
  async #send(shard: number, call: Call): Promise<Answer> {
    const id = this.#namespace.idFromName(`coatcheck-${shard}-of-${this.#shards}`);
    const stub = this.#namespace.get(id, this.#options);
    const response = await stub.fetch("https://coatcheck.invalid/", {
      method: "POST",
      body: JSON.stringify(call),
    });
    if (response.status !== 200) throw new Error(`The object responded with ${response.status}.`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object of this package sends nothing else
    return (await response.json()) as Answer;
  }
}

/** @throws StoreError RECORD_UNREADABLE */
function recordOf(operation: StoreOperation, id: string, { record }: RecordOnWire): SessionRecord {
  const found = unpackRecord(id, fromBase64(record));
  if (found !== undefined) return found;
  throw unreadableRecord(operation);
}

function toBase64(packed: string): string {
  return Buffer.from(packed, "latin1").toString("base64");
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString("latin1");
}

import { packRecord, unpackRecord } from "../../record/binary/record.ts";
import type { SessionRecord } from "../../record/record.ts";
import { ConfigError } from "../../errors.ts";
import { hasMethods } from "./connection.ts";
import { fromHash } from "./record-hash.ts";

/** The options of the near cache. */
export interface NearCacheOptions {
  /**
   * A node-redis client for the cache alone, `createClient({ url, RESP: 3, emitInvalidate: true })`:
   * the server tells it of every change to the records that were read through it.
   */
  readonly connection: InvalidationClient;
  /** How many records it holds at most; default 10,000. At the limit the one that was read least recently goes. */
  readonly maxRecords?: number;
}

/** A client of node-redis that hears invalidations, as far as the cache uses it. */
export interface InvalidationClient {
  sendCommand(...args: unknown[]): Promise<unknown>;
  readonly isReady: boolean;
  readonly options: object | undefined;
  on(event: string, listener: (key?: unknown) => void): unknown;
  off(event: string, listener: (key?: unknown) => void): unknown;
}

/**
 * For how many milliseconds after the last sign of life of its connection the cache is believed: the
 * bound on how long an ended session can still be seen when the network fails silently.
 */
const lease = 1000;

/** A read that is under way: what it brings may be kept while nobody says that it has changed. */
interface Flight {
  isCurrent: boolean;
}

const asBytes = { typeMapping: { 36: Buffer, 37: Array } };

/**
 * Records as the server last gave them, kept true by its invalidation messages. These come through the
 * same connection as the reads, so they never overtake the answer that they are about; one that comes
 * while a read of the record is under way keeps what it brings out of the cache (race S7).
 *
 * @internal
 */
export class NearCache {
  readonly #client: InvalidationClient;
  readonly #maxRecords: number;
  readonly #keyOf: (id: string) => string;
  readonly #idOf: (key: string) => string;
  /** Packed, so that everybody gets a copy of their own; the last read at the end. */
  readonly #records = new Map<string, string>();
  readonly #flights = new Map<string, Set<Flight>>();
  /** When the last command that was answered had been sent: all changes before that are known. */
  #heardAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;

  /** @throws ConfigError CONFIG_INVALID for a client that does not hear invalidations. */
  constructor(options: NearCacheOptions, keyOf: (id: string) => string) {
    const { connection, maxRecords = 10_000 } = options;
    const client: unknown = connection;
    const hears =
      hasMethods(client, ["sendCommand", "on", "off"]) &&
      typeof connection.options === "object" &&
      Reflect.get(connection.options, "emitInvalidate") === true;
    if (!hears) {
      throw new ConfigError(
        "CONFIG_INVALID",
        "nearCache needs a connection of its own that hears invalidations, which only node-redis has: " +
          "createClient({ url, RESP: 3, emitInvalidate: true }). The store's other client may be any.",
      );
    }
    if (!Number.isSafeInteger(maxRecords) || maxRecords < 1) {
      throw new ConfigError("CONFIG_INVALID", "nearCache.maxRecords must be a whole number above zero.");
    }
    this.#client = connection;
    this.#maxRecords = maxRecords;
    this.#keyOf = keyOf;
    const start = keyOf("").length;
    this.#idOf = (key) => key.slice(start);
    connection.on("invalidate", this.#invalidated);
    for (const event of lost) connection.on(event, this.#clear);
  }

  /** A record that is here and can be believed; answers at once. */
  recall(id: string): SessionRecord | undefined {
    const packed = this.#records.get(id);
    if (packed === undefined || !this.#isBelieved) return undefined;
    this.#keep(id, packed);
    return unpackRecord(id, packed);
  }

  /** A record through the cache's own connection; through `readDirectly` while that one is in doubt. */
  async read(id: string, readDirectly: () => Promise<SessionRecord | null>): Promise<SessionRecord | null> {
    if (!this.#client.isReady) return readDirectly();
    if (!this.#isBelieved) this.#ask();
    else {
      const found = await this.#fetch(id);
      if (found !== undefined) return found;
    }
    return readDirectly();
  }

  get #isBelieved(): boolean {
    return this.#client.isReady && performance.now() - this.#heardAt <= lease;
  }

  /** Called at both ends of a write of this process: what was read before it is past. */
  forget(id: string): void {
    this.#records.delete(id);
    for (const flight of this.#flights.get(id) ?? []) flight.isCurrent = false;
  }

  close(): void {
    this.#client.off("invalidate", this.#invalidated);
    for (const event of lost) this.#client.off(event, this.#clear);
    this.#clear();
  }

  readonly #invalidated = (key: unknown): void => {
    if (typeof key === "string" || Buffer.isBuffer(key)) this.forget(this.#idOf(key.toString()));
    // No key in particular: all of them, after FLUSHALL, or when the server forgets what it has given.
    else this.#empty();
  };

  readonly #clear = (): void => {
    this.#heardAt = Number.NEGATIVE_INFINITY;
    this.#empty();
  };

  #empty(): void {
    this.#records.clear();
    for (const flights of this.#flights.values()) for (const flight of flights) flight.isCurrent = false;
  }

  /** `undefined` when the connection does not answer, or with something that is no record. */
  async #fetch(id: string): Promise<SessionRecord | null | undefined> {
    const flight: Flight = { isCurrent: true };
    const flights = this.#flights.get(id) ?? new Set();
    this.#flights.set(id, flights.add(flight));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, lease, undefined);
    });
    try {
      const reply = await Promise.race([this.#send("HGETALL", this.#keyOf(id)), late]);
      const record = reply === undefined ? undefined : fromHash(id, reply);
      if (record && flight.isCurrent) this.#keep(id, packRecord(record));
      return record;
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
      flights.delete(flight);
      if (flights.size === 0) this.#flights.delete(id);
    }
  }

  /** Asks for a sign of life, once at a time. */
  #ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    void (async () => {
      try {
        await this.#send("PING");
      } catch {
        // The client says more through its events.
      } finally {
        this.#isAsking = false;
      }
    })();
  }

  async #send(...args: string[]): Promise<unknown> {
    const sentAt = performance.now();
    const reply = await this.#client.sendCommand(args, asBytes);
    if (this.#client.isReady) this.#heardAt = Math.max(this.#heardAt, sentAt);
    return reply;
  }

  #keep(id: string, packed: string): void {
    this.#records.delete(id);
    this.#records.set(id, packed);
    if (this.#records.size <= this.#maxRecords) return;
    const [oldest] = this.#records.keys();
    if (oldest !== undefined) this.#records.delete(oldest);
  }
}

/** What node-redis says when a connection is gone, or will be. */
const lost = ["error", "end", "reconnecting", "terminated"] as const;

import { packRecord, unpackRecord } from "../../record/binary/record.ts";
import type { SessionRecord } from "../../record/record.ts";
import { assertKnownOptions, assertOption } from "../../runtime/check-options.ts";
import { asBytes, hasMethods } from "./connection.ts";
import { fromHash } from "./record-hash.ts";

/** The options of the near cache. */
export interface NearCacheOptions {
  /**
   * A node-redis client used only by the cache: `createClient({ url, RESP: 3, emitInvalidate: true })`.
   * The server notifies it of every change to a record that was read through it.
   */
  readonly connection: InvalidationClient;
  /** The most records it holds. At the limit, the least recently read one is dropped. Default 10,000. */
  readonly maxRecords?: number;
}

/** The part of a node-redis client with invalidation events that the cache uses. */
export interface InvalidationClient {
  sendCommand(...args: unknown[]): Promise<unknown>;
  readonly isReady: boolean;
  readonly options: object | undefined;
  on(event: string, listener: (key?: unknown) => void): unknown;
  off(event: string, listener: (key?: unknown) => void): unknown;
}

/**
 * For how many milliseconds after the last reply on its connection the cache is trusted. This bounds how
 * long an ended session can still be read if the network fails silently.
 */
const lease = 1000;

/** A read in progress. Its result may be cached as long as no invalidation arrives before it. */
interface Flight {
  isCurrent: boolean;
}

/**
 * A cache of records in this process, kept current by the server's invalidation messages. They arrive on
 * the same connection as the replies, so they never overtake the reply that they are about. If one arrives
 * while its record is being read, the result is not cached (race S7).
 *
 * @internal
 */
export class NearCache {
  readonly #client: InvalidationClient;
  readonly #maxRecords: number;
  readonly #keyOf: (id: string) => string;
  readonly #idOf: (key: string) => string;
  /** Packed, so that every caller gets its own copy; the most recently read last. */
  readonly #records = new Map<string, string>();
  readonly #flights = new Map<string, Set<Flight>>();
  /** When the latest command with a reply was sent: all changes before that are known. */
  #heardAt = Number.NEGATIVE_INFINITY;
  #isPinging = false;

  /** @throws ConfigError CONFIG_INVALID if the client does not receive invalidations. */
  constructor(options: NearCacheOptions, keyOf: (id: string) => string) {
    assertKnownOptions(options, ["connection", "maxRecords"], "nearCache");
    const { connection, maxRecords = 10_000 } = options;
    const client: unknown = connection;
    const receivesInvalidations =
      hasMethods(client, ["sendCommand", "on", "off"]) &&
      typeof connection.options === "object" &&
      Reflect.get(connection.options, "emitInvalidate") === true;
    assertOption(
      receivesInvalidations,
      "nearCache.connection must be a separate node-redis client that receives invalidations: " +
        "createClient({ url, RESP: 3, emitInvalidate: true }). The store's own client may be an ioredis one.",
    );
    assertOption(
      Number.isSafeInteger(maxRecords) && maxRecords > 0,
      "nearCache.maxRecords must be a whole number above zero.",
    );
    this.#client = connection;
    this.#maxRecords = maxRecords;
    this.#keyOf = keyOf;
    const start = keyOf("").length;
    this.#idOf = (key) => key.slice(start);
    connection.on("invalidate", this.#invalidated);
    for (const event of lost) connection.on(event, this.#clear);
  }

  /** Returns a cached record synchronously, if there is one and the cache is trusted. */
  recall(id: string): SessionRecord | undefined {
    const packed = this.#records.get(id);
    if (packed === undefined || !this.#isTrusted) return undefined;
    this.#keep(id, packed);
    return unpackRecord(id, packed);
  }

  /** Reads a record through the cache's own connection, or with `readDirectly` while that is not trusted. */
  async read(id: string, readDirectly: () => Promise<SessionRecord | null>): Promise<SessionRecord | null> {
    if (!this.#client.isReady) return readDirectly();
    if (!this.#isTrusted) this.#ping();
    else {
      const found = await this.#fetch(id);
      if (found !== undefined) return found;
    }
    return readDirectly();
  }

  get #isTrusted(): boolean {
    return this.#client.isReady && performance.now() - this.#heardAt <= lease;
  }

  /** Called before and after each write of this process, since earlier reads are outdated. */
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
    // Without a key, all are invalid: after FLUSHALL, or when the server's tracking table was cleared.
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

  /** Returns `undefined` if the connection does not reply in time, or the reply is not a record. */
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

  /** Checks that the connection is alive. Only one PING is in flight at a time. */
  #ping(): void {
    if (this.#isPinging) return;
    this.#isPinging = true;
    void (async () => {
      try {
        await this.#send("PING");
      } catch {
        // The client reports the failure through its events.
      } finally {
        this.#isPinging = false;
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

/** The events of node-redis for a connection that is lost or about to be. */
const lost = ["error", "end", "reconnecting", "terminated"] as const;

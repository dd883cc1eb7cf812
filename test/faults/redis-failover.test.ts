import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { StoreError } from "coatcheck";
import type { SessionRecord, Store } from "coatcheck";
import { redisStore } from "coatcheck/redis";
import type { RedisStoreOptions } from "coatcheck/redis";
import { Redis } from "ioredis";
import { createSentinel } from "redis";
import {
  RedisServer,
  atEnd,
  ioCluster,
  ioOptions,
  nodeCluster,
  nodeOptions,
  startCluster,
  until,
  withoutRedis,
} from "../stores/redis-server.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { inTime } from "./store-deadline.ts";

const everything = Boolean(process.env["TEST_LONG"]);
const deadline = 2000;

/** What a failover did to what had been acknowledged. */
interface Losses {
  readonly acknowledged: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Sessions whose acknowledged end was undone. */
  readonly resurrected: number;
  /** Sessions that lost an acknowledged write of data, or all. */
  readonly lost: number;
  /** How long before the fault's end the oldest of the writes that were lost was acknowledged, in milliseconds. */
  readonly window: number;
  readonly p99: number;
  readonly slowest: number;
  readonly recovery: number;
}

/** One session: written a few times, then ended; what was acknowledged of that, and when. */
interface Account {
  readonly id: string;
  value: number;
  valueAt: number;
  epoch: number;
  endedAt: number;
}

/** Load as of people who come, do something and log out; kept account of. */
class FailoverAudit {
  readonly #store: Store;
  readonly #accounts: Account[] = [];
  readonly #durations: number[] = [];
  readonly #errors: Record<string, number> = {};
  readonly #workers: Promise<void>[];
  readonly #successes: number[][];
  #acknowledged = 0;
  #stopped = false;

  constructor(store: Store, workers = 16) {
    this.#store = store;
    this.#successes = Array.from({ length: workers }, () => []);
    this.#workers = this.#successes.map(async (successes) => this.#work(successes));
  }

  /** @param began when the fault did, @param ended when it was over, both of `performance.now()`. */
  async finish(began: number, ended: number): Promise<Losses> {
    const firsts = (): number[] =>
      this.#successes.map((times) => times.find((time) => time >= ended) ?? Infinity);
    while (Math.max(...firsts()) === Infinity && performance.now() < ended + 20_000) await wait(20);
    this.#stopped = true;
    await Promise.all(this.#workers);
    // Workers take new ids; whether all the old ones can be reached again is another question in a cluster.
    const found = new Map<string, SessionRecord | null>();
    let reachedAt = Math.max(...firsts());
    for (const { id } of this.#accounts) {
      for (let tries = 1; !found.has(id); tries++) {
        try {
          found.set(id, await this.#store.read(id, Date.now(), true));
          if (tries > 1) reachedAt = performance.now();
        } catch (error) {
          if (performance.now() > ended + 10_000) throw error;
          await wait(20);
        }
      }
    }
    const losses = { resurrected: 0, lost: 0, window: 0 };
    for (const account of this.#accounts) {
      const record = found.get(account.id) ?? null;
      const value = Number(Buffer.from(record?.fields.get("d:n") ?? []).toString());
      const resurrected = record !== null && record.epoch < account.epoch;
      const lost = record === null || (record.epoch === account.epoch && value < account.value);
      if (resurrected) losses.resurrected++;
      if (lost) losses.lost++;
      const at = resurrected ? account.endedAt : account.valueAt;
      if (resurrected || lost) losses.window = Math.max(losses.window, ended - at);
      // The wire to the replica goes through this process, and lags as it does.
      if (resurrected || lost) assert.ok(at > began - 2000, "what was lost is from before the fault");
    }
    const durations = this.#durations.toSorted((one, other) => one - other);
    return {
      acknowledged: this.#acknowledged,
      errors: this.#errors,
      ...losses,
      window: Math.round(losses.window),
      p99: Math.round(durations[Math.floor(durations.length * 0.99)] ?? 0),
      slowest: Math.round(durations.at(-1) ?? 0),
      recovery: Math.round(Math.max(0, reachedAt - ended)),
    };
  }

  async #work(successes: number[]): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#visit(successes);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        this.#errors[error.code] = (this.#errors[error.code] ?? 0) + 1;
        await wait(5);
      }
    }
  }

  /** Without a second replica nobody can log out durably any more, so that is no part of a success. */
  async #visit(successes: number[]): Promise<void> {
    const now = Date.now();
    const id = randomBytes(16).toString("base64url");
    const columns = {
      ticketAt: now,
      createdAt: now,
      lastSeenAt: now,
      idleTimeout: 1e7,
      absoluteDeadline: now + 1e7,
    };
    const rest = { subject: null, authenticatedAt: null, permanent: false, revision: 1, fields: new Map() };
    await this.#timed(() =>
      this.#store.create({ id, epoch: 0, verifier: randomBytes(32), ...columns, ...rest }),
    );
    const account: Account = { id, value: 0, valueAt: performance.now(), epoch: 0, endedAt: 0 };
    this.#accounts.push(account);
    for (let value = 1; value <= 3; value++) {
      const set = new Map([["d:n", Buffer.from(String(value))]]);
      await this.#timed(() => this.#store.patch(id, { epoch: 0, set }, Date.now()));
      account.value = value;
      account.valueAt = performance.now();
    }
    successes.push(performance.now());
    const end = { epoch: 0, columns: { epoch: 1 } };
    const { kind } = await this.#timed(() => this.#store.patch(id, end, Date.now()));
    if (kind !== "applied") return;
    account.epoch = 1;
    account.endedAt = performance.now();
  }

  async #timed<T>(call: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      const answer = await call();
      this.#acknowledged++;
      return answer;
    } finally {
      this.#durations.push(performance.now() - started);
    }
  }
}

const modes = ["by default", "durable"] as const;

describe(
  "a failover under load",
  { skip: withoutRedis || (!everything && "npm run test:long runs it") },
  () => {
    function judge(t: TestContext, losses: Losses, isDurable: boolean): void {
      t.diagnostic(JSON.stringify(losses));
      assert.ok(losses.acknowledged > 100, "there was load");
      assert.ok(losses.p99 <= deadline * 1.1, `p99 ${losses.p99}`);
      assert.ok(losses.recovery <= 5000, `recovery ${losses.recovery}`);
      if (isDurable) assert.equal(losses.resurrected, 0, "an acknowledged logout was undone");
    }

    async function open(
      connect: () => Promise<RedisStoreOptions["client"]>,
      mode: (typeof modes)[number],
    ): Promise<Store> {
      const client = await connect();
      const durable = { replicas: 1, timeout: { milliseconds: 200 } };
      const options = mode === "durable" ? { durable: { ...durable, connection: await connect() } } : {};
      return inTime(redisStore({ client, ...options, onWarning: () => {} }), deadline);
    }

    describe("with Sentinel", () => {
      const clients: Readonly<
        Record<string, (sentinel: { host: string; port: number }) => Promise<RedisStoreOptions["client"]>>
      > = {
        async "node-redis"(sentinel) {
          const client = createSentinel({
            name: "shop",
            sentinelRootNodes: [sentinel],
            nodeClientOptions: nodeOptions,
            scanInterval: 500,
          });
          client.on("error", () => {});
          await client.connect();
          atEnd(() => client.destroy());
          return client;
        },
        async ioredis(sentinel) {
          const client = new Redis({
            ...ioOptions,
            sentinels: [sentinel],
            name: "shop",
            sentinelRetryStrategy: () => 100,
          });
          client.on("error", () => {});
          await once(client, "ready");
          atEnd(() => client.disconnect());
          return client;
        },
      };

      const given = async (isCuttable: boolean) => {
        const [primary, replica] = [await RedisServer.start(), await RedisServer.start()];
        // The replica follows over a wire that the test can cut.
        const wire = await TcpProxy.start(primary.port);
        atEnd(async () => wire.close());
        await replica.follow(primary, isCuttable ? wire.port : primary.port);
        const sentinel = await RedisServer.startSentinel("shop", primary.port);
        await until("Sentinel knows the replica", async () =>
          /num-slaves\r\n\$1\r\n1/.test(await sentinel.ask("SENTINEL", "MASTER", "shop")),
        );
        return { primary, replica, sentinel, wire };
      };
      const promoted = async (replica: RedisServer): Promise<void> => {
        await until("the replica is promoted", async () =>
          (await replica.ask("INFO", "replication")).includes("role:master"),
        );
      };

      for (const [library, connect] of Object.entries(clients)) {
        for (const mode of modes) {
          test(`the primary is killed (${library}, ${mode})`, async (t) => {
            const { primary, replica, sentinel } = await given(false);
            const audit = new FailoverAudit(await open(async () => connect(sentinel.address), mode));
            await wait(500);
            const began = performance.now();
            await primary.kill();
            await promoted(replica);
            const losses = await audit.finish(began, performance.now());
            judge(t, losses, mode === "durable");
          });

          test(`the primary is cut off from its replica, not from its clients (${library}, ${mode})`, async (t) => {
            const { primary, replica, sentinel, wire } = await given(true);
            const audit = new FailoverAudit(await open(async () => connect(sentinel.address), mode));
            await wait(500);
            const began = performance.now();
            // The replica hears nothing more, and goes on to say that it is there: requirement 111.
            wire.cut("toClient");
            await wait(1000);
            await primary.kill();
            await promoted(replica);
            const losses = await audit.finish(began, performance.now());
            judge(t, losses, mode === "durable");
            if (mode === "by default") {
              assert.ok(losses.resurrected + losses.lost > 0, "the test shows what it is about");
            }
          });
        }
      }
    });

    describe("of a cluster", () => {
      for (const [library, connect] of Object.entries({ "node-redis": nodeCluster, ioredis: ioCluster })) {
        for (const mode of modes) {
          test(`a primary is killed; another is replaced by hand (${library}, ${mode})`, async (t) => {
            const servers = await startCluster();
            const audit = new FailoverAudit(await open(async () => connect(servers), mode));
            await wait(500);
            const began = performance.now();
            await servers[4]!.ask("CLUSTER", "FAILOVER");
            await wait(500);
            await servers[0]!.kill();
            await until("its replica is promoted", async () =>
              (await servers[3]!.ask("INFO", "replication")).includes("role:master"),
            );
            const losses = await audit.finish(began, performance.now());
            judge(t, losses, mode === "durable");
            for (const server of servers) await server.kill();
          });
        }
      }
    });
  },
);

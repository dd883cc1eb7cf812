import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Cluster, Redis } from "ioredis";
import type { ClusterOptions, RedisOptions } from "ioredis";
import { createClient, createCluster } from "redis";
import type { RedisClientOptions } from "redis";
import { freePort } from "../support/free-port.ts";

/** The server that the tests start: `REDIS_SERVER`, or what is on the PATH of Redis and Valkey. */
const program = [process.env["REDIS_SERVER"] ?? ["redis-server", "valkey-server"]].flat().find((name) => {
  try {
    execFileSync(name, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

/** Why the tests that need Redis can't run here; `false` when they can. In CI they always do. */
export const withoutRedis: string | false = (() => {
  if (program !== undefined) return false;
  const reason =
    "there is no redis-server or valkey-server on the PATH; install one, or set REDIS_SERVER, and the tests start servers of their own";
  if (process.env["CI"]) throw new Error(reason);
  return reason;
})();

const ends: (() => Promise<unknown> | void)[] = [];
after(async () => {
  // One that fails must not keep the others from ending: an open connection keeps the whole process.
  for (const end of ends.toReversed()) {
    try {
      await end();
    } catch {
      // It had ended already.
    }
  }
});

/** Does something when this file's tests have ended, the last said first. */
export function atEnd(end: () => Promise<unknown> | void): void {
  ends.push(end);
}

const running = new Set<RedisServer>();
process.on("exit", () => {
  for (const server of running) server.drop();
});

/** A replica need not wait for others to come. */
const quick = ["--repl-diskless-sync-delay", "0"];

/** A Redis of the test's own, which it may stop, starve and kill. */
export class RedisServer {
  readonly port: number;
  readonly #settings: readonly string[];
  readonly #folder = mkdtempSync(join(tmpdir(), "coatcheck-redis-"));
  #process: ChildProcess | undefined;

  private constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#settings = settings;
  }

  /** @param settings as on the command line: `--maxmemory 10mb`. */
  static async start(settings: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings);
    running.add(server);
    atEnd(async () => {
      await server.kill();
      running.delete(server);
      rmSync(server.#folder, { recursive: true, force: true });
    });
    await server.run();
    return server;
  }

  /** Follows a primary, through `port` where that is not its own, and waits until what is written there arrives here. */
  async follow(primary: RedisServer, port: number = primary.port): Promise<void> {
    await this.ask("REPLICAOF", "127.0.0.1", String(port));
    await until("the replica is fed", async () => {
      await primary.ask("SET", "fed", String(performance.now()), "PX", "1000");
      return (await primary.ask("GET", "fed")) === (await this.ask("GET", "fed").catch(() => ""));
    });
  }

  /** A Sentinel that looks after a primary. */
  static async startSentinel(name: string, primary: number): Promise<RedisServer> {
    const sentinel = await RedisServer.start(["--sentinel"]);
    await sentinel.ask("SENTINEL", "MONITOR", name, "127.0.0.1", String(primary), "1");
    await sentinel.ask("SENTINEL", "SET", name, "down-after-milliseconds", "500");
    // Sooner than that it would not mend a replica that follows over a wire of the test's.
    await sentinel.ask("SENTINEL", "SET", name, "failover-timeout", "60000");
    return sentinel;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: "127.0.0.1", port: this.port };
  }

  /** Starts it, or again after `kill`, with what it kept on disk. */
  async run(): Promise<void> {
    const own = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#folder];
    const isSentinel = this.#settings.includes("--sentinel");
    // A Sentinel writes down what it learns.
    const file = join(this.#folder, "sentinel.conf");
    if (isSentinel) writeFileSync(file, "");
    const settings = isSentinel ? [file, ...own] : [...own, "--save", "", ...quick];
    this.#process = spawn(program ?? "redis-server", [...settings, ...this.#settings], { stdio: "ignore" });
    for (let tries = 0; ; tries++) {
      try {
        // Everything but a refused connection means that it is there: LOADING, NOAUTH, a Sentinel.
        await this.ask("PING");
        return;
      } catch (error) {
        if (!String(error).includes("ECONNREFUSED") && !String(error).includes("LOADING")) return;
        if (tries > 500) throw error;
        await wait(10);
      }
    }
  }

  /** One command on a connection of its own. */
  async ask(...args: string[]): Promise<string> {
    const socket = connect(this.port, "127.0.0.1");
    try {
      await once(socket, "connect");
      socket.write(
        `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join("")}`,
      );
      let text = "";
      for await (const chunk of socket) {
        text += String(chunk);
        if (isWhole(text)) break;
      }
      if (text.startsWith("-")) throw new Error(text.slice(1).trim());
      return text.replace(/^[+:]|^\$-?\d+\r\n/, "").trimEnd();
    } finally {
      socket.destroy();
    }
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(name);
  }

  /** Ends it without waiting, when this process ends. */
  drop(): void {
    this.#process?.kill("SIGKILL");
  }

  async kill(): Promise<void> {
    const current = this.#process;
    this.#process = undefined;
    if (current === undefined || current.exitCode !== null || current.signalCode !== null) return;
    const ended = once(current, "exit");
    current.kill("SIGKILL");
    await ended;
  }
}

/** Whether a reply has arrived whole: enough of the protocol for the commands of these tests. */
function isWhole(text: string): boolean {
  const bulk = /^\$(-?\d+)\r\n/.exec(text);
  if (bulk?.[1] === "-1") return true;
  if (bulk !== null) return Buffer.byteLength(text) >= bulk[0].length + Number(bulk[1]) + 2;
  return text.endsWith("\r\n");
}

/** Waits until something holds, and fails when it does not in time. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  patience = 10_000,
): Promise<number> {
  const start = performance.now();
  while (!(await holds())) {
    if (performance.now() - start > patience) throw new Error(`Not within ${patience} ms: ${what}.`);
    await wait(10);
  }
  return performance.now() - start;
}

/** What the documentation recommends for node-redis. */
export const nodeOptions = {
  disableOfflineQueue: true,
  socket: {
    connectTimeout: 1000,
    socketTimeout: 5000,
    reconnectStrategy: (retries: number) => Math.min(50 * 2 ** retries, 1000) + Math.random() * 100,
  },
  pingInterval: 1000,
} satisfies RedisClientOptions;

/** What the documentation recommends for ioredis. */
export const ioOptions = {
  maxRetriesPerRequest: 0,
  connectTimeout: 1000,
  socketTimeout: 5000,
  retryStrategy: (times: number) => Math.min(times * 50, 1000),
} satisfies RedisOptions;

/** The same for a cluster of ioredis. */
const ioClusterOptions = {
  retryDelayOnFailover: 0,
  redisOptions: { connectTimeout: 1000, socketTimeout: 5000 },
} satisfies ClusterOptions;

/** A connected client of node-redis, closed at the end. */
export async function nodeClient(url: string, options: RedisClientOptions = {}) {
  const client = createClient({ url, ...nodeOptions, ...options });
  client.on("error", () => {});
  await client.connect();
  atEnd(() => client.destroy());
  return client;
}

/** A connected client of ioredis, closed at the end. */
export async function ioClient(
  url: string,
  options: Omit<RedisOptions, "replyMapping"> = {},
): Promise<Redis> {
  const client = new Redis(url, { ...ioOptions, ...options });
  client.on("error", () => {});
  if (client.status !== "ready") await once(client, "ready");
  atEnd(() => client.disconnect());
  return client;
}

/** Three primaries, each with a replica. */
export async function startCluster(settings: readonly string[] = []): Promise<RedisServer[]> {
  const own = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
  const servers = await Promise.all(
    Array.from({ length: 6 }, async () => RedisServer.start([...own, ...settings])),
  );
  const primaries = servers.slice(0, 3);
  const first = primaries[0]!;
  const ids = await Promise.all(servers.map(async (server) => server.ask("CLUSTER", "MYID")));
  await Promise.all(
    servers.map(async (server, at) => server.ask("CLUSTER", "SET-CONFIG-EPOCH", String(at + 1))),
  );
  for (const server of servers.slice(1)) await first.ask("CLUSTER", "MEET", "127.0.0.1", String(server.port));
  for (const [at, server] of primaries.entries()) {
    const [from, to] = [Math.floor((16384 * at) / 3), Math.floor((16384 * (at + 1)) / 3) - 1];
    await server.ask("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
  }
  for (const [at, server] of servers.slice(3).entries()) {
    await until("the replica knows its primary", async () => {
      const reply = await server.ask("CLUSTER", "REPLICATE", ids[at]!).catch(() => "");
      return reply === "OK";
    });
  }
  for (const server of servers) {
    await until("the cluster is up", async () =>
      (await server.ask("CLUSTER", "INFO")).includes("cluster_state:ok"),
    );
  }
  for (const server of servers.slice(3)) {
    await until("the replica follows", async () =>
      (await server.ask("INFO", "replication")).includes("master_link_status:up"),
    );
  }
  return servers;
}

/** A connected cluster client of node-redis, closed at the end. */
export async function nodeCluster(servers: readonly RedisServer[]) {
  const cluster = createCluster({
    rootNodes: servers.map(({ url }) => ({ url })),
    defaults: nodeOptions,
    topologyRefreshOnReconnectionAttemptStrategy: 500,
  });
  cluster.on("error", () => {});
  await cluster.connect();
  atEnd(() => cluster.destroy());
  return cluster;
}

/** A connected cluster client of ioredis, closed at the end. */
export async function ioCluster(servers: readonly RedisServer[]): Promise<Cluster> {
  const cluster = new Cluster(
    servers.map(({ address }) => address),
    ioClusterOptions,
  );
  cluster.on("error", () => {});
  if (cluster.status !== "ready") await once(cluster, "ready");
  atEnd(() => cluster.disconnect());
  return cluster;
}

/** A Redis for the contracts: the one at REDIS_URL, which is left as it was, or one that is started here. */
export async function sharedRedis(): Promise<{ readonly url: string; readonly prefix: string }> {
  const prefix = `coatcheck-test:${process.pid}:`;
  const url = process.env["REDIS_URL"];
  if (url === undefined) return { url: (await RedisServer.start()).url, prefix };
  const client = await nodeClient(url);
  atEnd(async () => {
    for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) {
      if (keys.length > 0) await client.unlink(keys);
    }
  });
  return { url, prefix };
}

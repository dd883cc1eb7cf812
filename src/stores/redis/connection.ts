import { assertOption } from "../../runtime/check-options.ts";
import type { Argument } from "./record-hash.ts";
import type { Script } from "./scripts.ts";
import type { ServerTime } from "./server-time.ts";

/** The part of a node-redis client that the store uses: a client, cluster, Sentinel client or pool, version 5 or newer. */
export interface NodeRedisClient {
  sendCommand(...args: unknown[]): Promise<unknown>;
  withTypeMapping(mapping: object): unknown;
  /** Only on single connections: whether a command sent now is written at once. */
  readonly isReady?: boolean;
  multi(): { addCommand(...args: unknown[]): unknown; execAsPipeline(): Promise<unknown[]> };
  on(event: "error", listener: () => void): unknown;
  off(event: "error", listener: () => void): unknown;
}

/** The part of an ioredis client that the store uses: a `Redis` or `Cluster`, version 5 or newer. */
export interface IoRedisClient {
  hgetallBuffer(key: string): Promise<unknown>;
  pipeline(commands: unknown[][]): { exec(): Promise<[Error | null, unknown][] | null> };
  readonly isCluster: boolean;
  readonly options: object;
  on(event: "error", listener: () => void): unknown;
  off(event: "error", listener: () => void): unknown;
}

/** A script call on one key: with the script's source (`EVAL`), or with its SHA-1. */
export interface ScriptCommand {
  readonly name: "EVAL" | "EVALSHA";
  readonly script: Script;
  readonly key: string;
  readonly args: readonly Argument[];
}

/** @internal The operations the store needs, the same for both client libraries and for HTTP. */
export interface RedisConnection {
  /** The store's name in errors and events. */
  readonly store: "redis" | "upstash";
  readonly isCluster: boolean;
  /** Given if reading, too, tells the server's time. */
  readonly serverTime?: ServerTime;
  /** Reads the hash at a key from its primary. Strings are returned as bytes. */
  hash(key: string): Promise<unknown>;
  /** Runs a script. Strings in the reply are bytes. */
  run(command: ScriptCommand): Promise<unknown>;
  /**
   * Runs a script and then `WAIT` on the same connection. `WAIT` counts the replicas that have received
   * this connection's writes, and blocks the connection until then. Returns both replies; their strings
   * may be text.
   *
   * @param timeout in milliseconds.
   */
  runAndWait(command: ScriptCommand, replicas: number, timeout: number): Promise<unknown[]>;
  /** One function per primary, which sends it a command. */
  servers(): Promise<((name: string, ...args: string[]) => Promise<unknown>)[]>;
  /** Removes the listener that was added to the client. */
  release(): void;
}

/**
 * Wraps a client of either library.
 *
 * @throws ConfigError CONFIG_INVALID if it belongs to neither, resends commands or reads from replicas.
 *
 * @internal
 */
export function connectionOf(client: NodeRedisClient | IoRedisClient): RedisConnection {
  const connection = isIo(client)
    ? ioConnection(client)
    : isNode(client)
      ? nodeConnection(client)
      : undefined;
  assertOption(
    connection !== undefined,
    "client must be a client of node-redis 5 or newer, createClient({ url }), or of ioredis 5 or newer, " +
      "new Redis(url, { maxRetriesPerRequest: 0 }).",
  );
  // Without a listener, the `error` event of a broken connection would end the process (requirement 109).
  // Waiting calls fail by themselves, and the client reconnects.
  const ignore = (): void => {};
  client.on("error", ignore);
  return { ...connection, store: "redis", release: () => void client.off("error", ignore) };
}

/** RESP types 36 (strings) and 37 (maps): strings stay bytes, and maps become lists, in RESP3 as in RESP2. */
export const asBytes = { typeMapping: { 36: Buffer, 37: Array } };

/**
 * `asBytes` without node-redis' timeout for commands not yet written. That timeout makes an AbortSignal for
 * each command, which costs more than the rest of a read. The server refuses late commands itself (decision 021).
 */
const untimed = { ...asBytes, timeout: 0 };

/** With more commands in flight, something is slow, and node-redis' timeout should keep unwritten ones from piling up. */
const maxUntimed = 200;

/** A connection without what both libraries have in common. */
type LibraryConnection = Omit<RedisConnection, "release" | "store">;

function nodeConnection(client: NodeRedisClient): LibraryConnection {
  let inFlight = 0;
  const send = async (key: string, words: readonly Argument[]): Promise<unknown> => {
    const options = inFlight < maxUntimed && client.isReady === true ? untimed : asBytes;
    inFlight++;
    try {
      return await client.sendCommand(...route(key), words, options);
    } finally {
      inFlight--;
    }
  };
  const isCluster = hasMethods(client, ["nodeClient"]);
  const isSentinel = hasMethods(client, ["acquire", "getMasterNode"]);
  // Leading arguments: a cluster needs the key and `isReadonly`, a Sentinel client only `isReadonly`.
  const route = (key: string): unknown[] => (isCluster ? [key, false] : isSentinel ? [false] : []);
  return {
    isCluster,
    hash: (key) => send(key, ["HGETALL", key]),
    run: (command) => send(command.key, wordsOf(command)),
    async runAndWait(command, replicas, timeout) {
      const pipeline = client.multi();
      pipeline.addCommand(...route(command.key), wordsOf(command));
      pipeline.addCommand(...route(command.key), ["WAIT", String(replicas), String(timeout)]);
      return pipeline.execAsPipeline();
    },
    async servers() {
      if (!isNodeCluster(client)) return [async (...args) => client.sendCommand(...route(""), args)];
      return Promise.all(
        client.masters.map(async (master) => {
          const node = await client.nodeClient(master);
          return async (...args: string[]) => node.sendCommand(args);
        }),
      );
    },
  };
}

function wordsOf({ name, script, key, args }: ScriptCommand): Argument[] {
  return [name, scriptText(name, script), "1", key, ...args];
}

function scriptText(name: ScriptCommand["name"], { source, sha }: Script): string {
  return name === "EVAL" ? source : sha;
}

/** Methods that ioredis has but does not declare in its types. */
interface IoClient extends IoRedisClient {
  evalBuffer(script: string, keys: number, ...args: Argument[]): Promise<unknown>;
  evalshaBuffer(sha: string, keys: number, ...args: Argument[]): Promise<unknown>;
}

function isNode(client: object): client is NodeRedisClient {
  return hasMethods(client, ["sendCommand", "withTypeMapping", "multi", "on", "off"]);
}

function isIo(client: object): client is IoClient {
  return hasMethods(client, ["evalBuffer", "evalshaBuffer", "hgetallBuffer", "pipeline", "on", "off"]);
}

function ioConnection(client: IoClient): LibraryConnection {
  checkIoOptions(client);
  return {
    isCluster: client.isCluster,
    // Named methods, since `callBuffer` does not work with ioredis' automatic pipelining.
    hash: async (key) => client.hgetallBuffer(key),
    run: async ({ name, script, key, args }) =>
      name === "EVALSHA"
        ? client.evalshaBuffer(script.sha, 1, key, ...args)
        : client.evalBuffer(script.source, 1, key, ...args),
    async runAndWait({ name, script, key, args }, replicas, timeout) {
      const command = name === "EVALSHA" ? "evalshaBuffer" : "evalBuffer";
      return pipelined(client, [
        [command, scriptText(name, script), 1, key, ...args],
        ["wait", replicas, timeout],
      ]);
    },
    async servers() {
      const nodes = isIoCluster(client) ? client.nodes("master") : [client];
      return nodes.map((node) => async (name: string, ...args: string[]) => {
        const [reply] = await pipelined(node, [[name.toLowerCase(), ...args]]);
        return reply;
      });
    },
  };
}

async function pipelined(client: IoRedisClient, commands: unknown[][]): Promise<unknown[]> {
  const replies = (await client.pipeline(commands).exec()) ?? [];
  for (const [error] of replies) if (error !== null) throw error;
  return replies.map(([, reply]) => reply);
}

/**
 * Checks that ioredis neither resends commands nor reads from replicas. A command whose reply was lost may
 * have been executed, so resending it could apply an update twice. ioredis resends by default; with resending
 * only turned off, the caller never gets a reply. With zero retries, the command fails at once. A replica may
 * not know of a logout yet.
 */
function checkIoOptions(client: IoRedisClient): void {
  const { options } = client;
  const node = client.isCluster ? option(options, "redisOptions") : options;
  // A cluster's connections do not reconnect unless `clusterNodeRetryStrategy` is set.
  const reconnects = !client.isCluster || typeof option(options, "clusterNodeRetryStrategy") === "function";
  assertOption(
    !reconnects || option(node, "maxRetriesPerRequest") === 0,
    "This ioredis client resends commands whose reply was lost, which may write twice. Create it with " +
      `${client.isCluster ? "redisOptions: " : ""}{ maxRetriesPerRequest: 0 }, or pass a duplicate() with that option.`,
  );
  if (!client.isCluster) return;
  assertOption(
    option(options, "retryDelayOnFailover") === 0,
    "This ioredis cluster resends commands whose connection broke, which may write twice. Create it with " +
      "{ retryDelayOnFailover: 0 }.",
  );
  assertOption(
    (option(options, "scaleReads") ?? "master") === "master",
    'This ioredis cluster reads from replicas, which may not know of a logout yet. scaleReads must be "master".',
  );
}

function option(options: unknown, name: string): unknown {
  return typeof options === "object" && options !== null ? Reflect.get(options, name) : undefined;
}

/** Whether a value is an object with these methods. */
export function hasMethods(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === "function")
  );
}

interface NodeCluster {
  readonly masters: readonly object[];
  nodeClient(node: object): NodeRedisClient | Promise<NodeRedisClient>;
}

function isNodeCluster(client: object): client is NodeCluster {
  return hasMethods(client, ["nodeClient"]);
}

function isIoCluster(client: IoRedisClient): client is IoRedisClient & {
  nodes(role: "master"): IoRedisClient[];
} {
  return client.isCluster && hasMethods(client, ["nodes"]);
}

import { ConfigError } from "../../errors.ts";
import type { Argument } from "./record-hash.ts";

/** A client, cluster, Sentinel client or pool of node-redis 5 or newer, as far as the store uses it. */
export interface NodeRedisClient {
  sendCommand(...args: unknown[]): Promise<unknown>;
  withTypeMapping(mapping: object): unknown;
  /** Of single connections: what is sent now is written now. */
  readonly isReady?: boolean;
  multi(): { addCommand(...args: unknown[]): unknown; execAsPipeline(): Promise<unknown[]> };
  on(event: "error", listener: () => void): unknown;
  off(event: "error", listener: () => void): unknown;
}

/** A `Redis` or `Cluster` of ioredis 5 or newer, as far as the store uses it. */
export interface IoRedisClient {
  hgetallBuffer(key: string): Promise<unknown>;
  pipeline(commands: unknown[][]): { exec(): Promise<[Error | null, unknown][] | null> };
  readonly isCluster: boolean;
  readonly options: object;
  on(event: "error", listener: () => void): unknown;
  off(event: "error", listener: () => void): unknown;
}

/** A script to be run, by its text or by its SHA-1, on one key. */
export interface ScriptCommand {
  readonly name: "EVAL" | "EVALSHA";
  readonly script: string;
  readonly key: string;
  readonly args: readonly Argument[];
}

/** @internal How the store talks to a client, whichever it is. */
export interface RedisConnection {
  readonly isCluster: boolean;
  /** The hash under a key, from the server that takes writes for it; strings in it are bytes. */
  hash(key: string): Promise<unknown>;
  /** Runs a script; strings in its reply are bytes. */
  run(command: ScriptCommand): Promise<unknown>;
  /**
   * Runs a script, and a `WAIT` behind it on the same connection: it counts the replicas that have
   * what this connection wrote, and lets nothing past until then. Answers both replies; strings in
   * them may be text.
   *
   * @param patience in milliseconds.
   */
  runAndWait(command: ScriptCommand, replicas: number, patience: number): Promise<unknown[]>;
  /** A way to talk to each server that takes writes. */
  servers(): Promise<((name: string, ...args: string[]) => Promise<unknown>)[]>;
  /** Takes back what was done to the client. */
  release(): void;
}

/** @internal @throws ConfigError CONFIG_INVALID for a client of neither library, and for one that repeats or misdirects commands. */
export function connectionOf(client: NodeRedisClient | IoRedisClient): RedisConnection {
  const connection = isIo(client)
    ? ioConnection(client)
    : isNode(client)
      ? nodeConnection(client)
      : undefined;
  if (connection === undefined) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "redisStore needs a client of node-redis 5 or newer, createClient({ url }), or of ioredis 5 or newer, " +
        "new Redis(url, { maxRetriesPerRequest: 0 }).",
    );
  }
  // A client without this listener ends the process when its connection breaks (requirement 109).
  // Whoever waits for an answer is told, and the client connects again by itself.
  const ignore = (): void => {};
  client.on("error", ignore);
  return { ...connection, release: () => void client.off("error", ignore) };
}

/** RESP types 36 (strings) and 37 (maps): bytes stay bytes, and maps are lists in RESP3, too. */
const asBytes = { typeMapping: { 36: Buffer, 37: Array } };

/**
 * The same, without the timeout that node-redis gives to commands it has not written yet: an AbortSignal for
 * each, which takes more time than the rest of a read. What comes too late is refused by the server (decision 021).
 */
const untimed = { ...asBytes, timeout: 0 };

/** With more commands under way than this something is slow, and those that wait to be written should not pile up. */
const few = 200;

function nodeConnection(client: NodeRedisClient): Omit<RedisConnection, "release"> {
  let underWay = 0;
  const send = async (key: string, words: readonly Argument[]): Promise<unknown> => {
    const options = underWay < few && client.isReady === true ? untimed : asBytes;
    underWay++;
    try {
      return await client.sendCommand(...route(key), words, options);
    } finally {
      underWay--;
    }
  };
  const isCluster = hasMethods(client, ["nodeClient"]);
  const isSentinel = hasMethods(client, ["acquire", "getMasterNode"]);
  // What a cluster and Sentinels need to know before the command: the key, and that it is for a primary.
  const route = (key: string): unknown[] => (isCluster ? [key, false] : isSentinel ? [false] : []);
  return {
    isCluster,
    hash: (key) => send(key, ["HGETALL", key]),
    run: (command) => send(command.key, wordsOf(command)),
    async runAndWait(command, replicas, patience) {
      const pipeline = client.multi();
      pipeline.addCommand(...route(command.key), wordsOf(command));
      pipeline.addCommand(...route(command.key), ["WAIT", String(replicas), String(patience)]);
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
  return [name, script, "1", key, ...args];
}

/** ioredis has these, and leaves them out of its types. */
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

function ioConnection(client: IoClient): Omit<RedisConnection, "release"> {
  checkIoOptions(client);
  return {
    isCluster: client.isCluster,
    // By name: `callBuffer` would do for all, but not where ioredis pipelines by itself.
    hash: async (key) => client.hgetallBuffer(key),
    run: async ({ name, script, key, args }) =>
      name === "EVALSHA"
        ? client.evalshaBuffer(script, 1, key, ...args)
        : client.evalBuffer(script, 1, key, ...args),
    async runAndWait({ name, script, key, args }, replicas, patience) {
      const command = name === "EVALSHA" ? "evalshaBuffer" : "evalBuffer";
      return pipelined(client, [
        [command, script, 1, key, ...args],
        ["wait", replicas, patience],
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
 * A command whose answer got lost may have been carried out, so it must not be sent again: an update
 * would be applied twice. By default ioredis does that; and told not to, it leaves the caller without
 * any answer. Where it may not try again at all, it says so at once. And a replica is no place to read
 * from: it may not know yet of a logout.
 */
function checkIoOptions(client: IoRedisClient): void {
  const { options } = client;
  const node = client.isCluster ? option(options, "redisOptions") : options;
  // The connections of a cluster do not come back by themselves, unless told to.
  const reconnects = !client.isCluster || typeof option(options, "clusterNodeRetryStrategy") === "function";
  if (reconnects && option(node, "maxRetriesPerRequest") !== 0) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "This ioredis client sends commands again whose answer got lost, which may write twice. Make it with " +
        `${client.isCluster ? "redisOptions: " : ""}{ maxRetriesPerRequest: 0 }, or pass a duplicate() made so.`,
    );
  }
  if (!client.isCluster) return;
  if (option(options, "retryDelayOnFailover") !== 0) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "This ioredis cluster sends commands again whose connection broke, which may write twice: make it with " +
        "{ retryDelayOnFailover: 0 }.",
    );
  }
  if ((option(options, "scaleReads") ?? "master") !== "master") {
    throw new ConfigError(
      "CONFIG_INVALID",
      'This ioredis cluster reads from replicas, which may not know yet of a logout: scaleReads must be "master".',
    );
  }
}

function option(options: unknown, name: string): unknown {
  return typeof options === "object" && options !== null ? Reflect.get(options, name) : undefined;
}

/** Whether it is an object with these methods, whatever its type says. */
export function hasMethods(given: unknown, names: readonly string[]): boolean {
  return (
    typeof given === "object" &&
    given !== null &&
    names.every((name) => typeof Reflect.get(given, name) === "function")
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

import { ConfigError } from "../../errors.ts";
import type { Argument } from "./record-hash.ts";

/** A client, cluster, Sentinel client or pool of node-redis 5 or newer, as far as the store uses it. */
export interface NodeRedisClient {
  sendCommand(...args: unknown[]): Promise<unknown>;
  withTypeMapping(mapping: object): unknown;
  multi(): { addCommand(...args: unknown[]): unknown; execAsPipeline(): Promise<unknown[]> };
  on(event: "error", listener: () => void): unknown;
  off(event: "error", listener: () => void): unknown;
}

/** A `Redis` or `Cluster` of ioredis 5 or newer, as far as the store uses it. */
export interface IoRedisClient {
  callBuffer(command: string, args: unknown[]): Promise<unknown>;
  pipeline(commands: unknown[][]): { exec(): Promise<[Error | null, unknown][] | null> };
  readonly isCluster: boolean;
  readonly options: object;
  on(event: "error", listener: () => void): unknown;
  off(event: "error", listener: () => void): unknown;
}

/** How the store talks to a client, whichever it is. */
export interface RedisConnection {
  readonly isCluster: boolean;
  /** Sends a command to the server that has the key. Strings in the reply come as bytes. */
  call(key: string, args: readonly Argument[]): Promise<unknown>;
  /**
   * Sends a command, and a `WAIT` behind it on the same connection: it counts the replicas that have
   * what this connection wrote. Answers both replies; strings in them may come as text.
   *
   * @param patience in milliseconds.
   */
  callAndWait(key: string, args: readonly Argument[], replicas: number, patience: number): Promise<unknown[]>;
  /** A way to talk to each server that takes writes. */
  servers(): Promise<((...args: string[]) => Promise<unknown>)[]>;
  /** Takes back what was done to the client. */
  release(): void;
}

/** @throws ConfigError CONFIG_INVALID for a client of neither library, and for one that repeats or misdirects commands. */
export function connectionOf(client: NodeRedisClient | IoRedisClient): RedisConnection {
  const isIo = hasMethods(client, ["callBuffer", "pipeline", "on", "off"]);
  if (!isIo && !hasMethods(client, ["sendCommand", "withTypeMapping", "multi", "on", "off"])) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "redisStore needs a client of node-redis 5 or newer, createClient({ url }), or of ioredis 5 or newer, " +
        "new Redis(url, { autoResendUnfulfilledCommands: false }).",
    );
  }
  const connection = "callBuffer" in client ? ioConnection(client) : nodeConnection(client);
  // A client without this listener ends the process when its connection breaks (requirement 109).
  // Whoever waits for an answer is told, and the client connects again by itself.
  const ignore = (): void => {};
  client.on("error", ignore);
  return { ...connection, release: () => void client.off("error", ignore) };
}

/** RESP types 36 (strings) and 37 (maps): bytes stay bytes, and maps are lists in RESP3, too. */
const asBytes = { typeMapping: { 36: Buffer, 37: Array } };

function nodeConnection(client: NodeRedisClient): Omit<RedisConnection, "release"> {
  const isCluster = hasMethods(client, ["nodeClient"]);
  const isSentinel = hasMethods(client, ["acquire", "getMasterNode"]);
  // What a cluster and Sentinels need to know before the command: the key, and that it is for a primary.
  const route = (key: string): unknown[] => (isCluster ? [key, false] : isSentinel ? [false] : []);
  return {
    isCluster,
    call: async (key, args) => client.sendCommand(...route(key), args, asBytes),
    async callAndWait(key, args, replicas, patience) {
      const pipeline = client.multi();
      pipeline.addCommand(...route(key), args);
      pipeline.addCommand(...route(key), ["WAIT", String(replicas), String(patience)]);
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

function ioConnection(client: IoRedisClient): Omit<RedisConnection, "release"> {
  checkIoOptions(client);
  return {
    isCluster: client.isCluster,
    call: async (_, args) => callIo(client, args),
    async callAndWait(_, args, replicas, patience) {
      const [name, ...rest] = args;
      const commands = [
        [String(name).toLowerCase(), ...rest],
        ["wait", replicas, patience],
      ];
      const replies = (await client.pipeline(commands).exec()) ?? [];
      for (const [error] of replies) if (error !== null) throw error;
      return replies.map(([, reply]) => reply);
    },
    async servers() {
      const nodes = isIoCluster(client) ? client.nodes("master") : [client];
      return nodes.map(
        (node) =>
          async (...args: string[]) =>
            callIo(node, args),
      );
    },
  };
}

/** ioredis knows the place of a command's keys only under its name in small letters. */
async function callIo(client: IoRedisClient, [name, ...args]: readonly Argument[]): Promise<unknown> {
  return client.callBuffer(String(name).toLowerCase(), args);
}

/**
 * A command whose answer got lost may have been carried out, so it must not be sent again: an update
 * would be applied twice. By default ioredis does that. And a replica may not know yet of a logout.
 */
function checkIoOptions(client: IoRedisClient): void {
  const { options } = client;
  const node = client.isCluster ? Reflect.get(options, "redisOptions") : options;
  const resends =
    option(node, "autoResendUnfulfilledCommands") !== false &&
    (!client.isCluster || typeof option(options, "clusterNodeRetryStrategy") === "function");
  if (resends) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "This ioredis client sends commands again whose answer got lost, which may write twice: make it with " +
        `${client.isCluster ? "redisOptions: " : ""}{ autoResendUnfulfilledCommands: false }, or pass ` +
        "client.duplicate() with that option.",
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

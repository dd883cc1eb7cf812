import { ConfigError } from "../../errors.ts";
import type { Argument } from "./record-hash.ts";

/** A client, cluster, sentinel client or pool of node-redis 5 or newer, as far as the store uses it. */
export interface NodeRedisClient {
  sendCommand(...args: never[]): Promise<unknown>;
  withTypeMapping(mapping: never): unknown;
  multi(): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
}

/** A `Redis` or `Cluster` of ioredis 5 or newer, as far as the store uses it. */
export interface IoRedisClient {
  callBuffer(command: string, args: Argument[]): Promise<unknown>;
  pipeline(commands: unknown[][]): { exec(): Promise<[Error | null, unknown][] | null> };
  readonly isCluster: boolean;
  readonly options: object;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
}

/** How the store talks to a client, whichever it is. Strings in replies come as bytes. */
export interface RedisConnection {
  readonly isCluster: boolean;
  /** Sends a command to the server that has the key. */
  call(key: string, args: readonly Argument[]): Promise<unknown>;
  /**
   * Sends a command, and behind it on the same connection a `WAIT`, which counts the replicas that
   * have what the connection wrote. On another connection it would count others. Strings in the reply
   * may come as text.
   *
   * @param patience in milliseconds.
   */
  callAndWait(key: string, args: readonly Argument[], replicas: number, patience: number): Promise<unknown[]>;
  /** Each server that takes writes. */
  servers(): Promise<((...args: string[]) => Promise<unknown>)[]>;
  /** Takes back what was done to the client. */
  release(): void;
}

/** @throws ConfigError CONFIG_INVALID for a client of neither library, or one that repeats commands by itself. */
export function connectionOf(client: NodeRedisClient | IoRedisClient): RedisConnection {
  const given: unknown = client;
  if (!has(given, "callBuffer", "pipeline", "on") && !has(given, "sendCommand", "withTypeMapping", "on")) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "redisStore needs the client of node-redis 5 or newer, await createClient({ url }).connect(), or of " +
        "ioredis 5 or newer, new Redis(url, { autoResendUnfulfilledCommands: false }).",
    );
  }
  // A client without this listener ends the process when its connection breaks (requirement 109). Whoever
  // waits for an answer is told, and the client connects again.
  const ignore = (): void => {};
  client.on("error", ignore);
  const release = (): void => void client.off("error", ignore);
  return "callBuffer" in client ? ioConnection(client, release) : nodeConnection(client, release);
}

/** The parts of node-redis that differ between its clients. */
interface NodeSingle {
  sendCommand(args: readonly Argument[], options: object): Promise<unknown>;
  multi(): { addCommand(args: readonly Argument[]): unknown; execAsPipeline(): Promise<unknown[]> };
}
interface NodeCluster {
  sendCommand(
    key: string,
    readOnly: boolean,
    args: readonly Argument[],
    options: object,
  ): Promise<unknown>;
  multi(): {
    addCommand(key: string, readOnly: boolean, args: readonly Argument[]): unknown;
    execAsPipeline(): Promise<unknown[]>;
  };
  readonly masters: readonly object[];
  nodeClient(node: object): Promise<NodeSingle> | NodeSingle;
}
interface NodeSentinel {
  sendCommand(readOnly: boolean, args: readonly Argument[], options: object): Promise<unknown>;
  multi(): {
    addCommand(readOnly: boolean, args: readonly Argument[]): unknown;
    execAsPipeline(): Promise<unknown[]>;
  };
}

/** RESP types 36 (strings) and 37 (maps): bytes stay bytes, and maps are lists in RESP3, too. */
const options = { typeMapping: { 36: Buffer, 37: Array } };

function nodeConnection(client: object, release: () => void): RedisConnection {
  if (isNodeCluster(client)) {
    return {
      isCluster: true,
      release,
      call: (key, args) => client.sendCommand(key, false, args, options),
      callAndWait(key, args, replicas, patience) {
        const multi = client.multi();
        multi.addCommand(key, false, args);
        multi.addCommand(key, false, waitCommand(replicas, patience));
        return multi.execAsPipeline();
      },
      servers: async () =>
        Promise.all(
          client.masters.map(async (master) => {
            const node = await client.nodeClient(master);
            return (...args: string[]) => node.sendCommand(args, {});
          }),
        ),
    };
  }
  if (isNodeSentinel(client)) {
    return {
      isCluster: false,
      release,
      call: (_, args) => client.sendCommand(false, args, options),
      callAndWait(_, args, replicas, patience) {
        const multi = client.multi();
        multi.addCommand(false, args);
        multi.addCommand(false, waitCommand(replicas, patience));
        return multi.execAsPipeline();
      },
      servers: async () => [(...args) => client.sendCommand(false, args, {})],
    };
  }
  const single = client as NodeSingle;
  return {
    isCluster: false,
    release,
    call: (_, args) => single.sendCommand(args, options),
    callAndWait(_, args, replicas, patience) {
      const multi = single.multi();
      multi.addCommand(args);
      multi.addCommand(waitCommand(replicas, patience));
      return multi.execAsPipeline();
    },
    servers: async () => [(...args) => single.sendCommand(args, {})],
  };
}

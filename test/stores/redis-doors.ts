import type { Store } from "coatcheck";
import { redisStore } from "coatcheck/redis";
import type { RedisStoreOptions } from "coatcheck/redis";
import { upstashStore } from "coatcheck/upstash";
import { ioClient, nodeClient, sharedRedis, withoutRedis as withoutServer } from "./redis-server.ts";
import { upstashDouble } from "./upstash-double.ts";

/** Why there are no doors; `false` when there are. */
export const withoutRedis: string | false = process.env["REDIS_URL"] === undefined && withoutServer;

/** By library: makes a place of its own for records, which each call of the answer is a door to. */
export const redisDoors: Readonly<Record<"node-redis" | "ioredis" | "HTTP", () => () => Store>> =
  await (async () => {
    if (withoutRedis !== false) return { "node-redis": absent, ioredis: absent, HTTP: absent };
    const { url, prefix } = await sharedRedis();
    const [node, io] = [await nodeClient(url), await ioClient(url)];
    let places = 0;
    const doors = (client: RedisStoreOptions["client"]) => (): (() => Store) => {
      const place = `${prefix}${places++}:`;
      return () => redisStore({ client, prefix: place, onWarning: () => {} });
    };
    const { url: rest, token } = await upstashDouble(url);
    const http = (): (() => Store) => {
      const place = `${prefix}${places++}:`;
      return () => upstashStore({ url: rest, token, prefix: place });
    };
    return { "node-redis": doors(node), ioredis: doors(io), HTTP: http };
  })();

function absent(): never {
  throw new Error(String(withoutRedis));
}

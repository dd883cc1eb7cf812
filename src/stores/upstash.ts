import type { Store } from "../record/store.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import { httpConnection } from "./redis/http.ts";
import type { RestApi, UpstashFetch } from "./redis/http.ts";
import { checkedPrefix, RedisStore } from "./redis/store.ts";

export type { UpstashFetch };

/** The options of {@link upstashStore}. */
export interface UpstashStoreOptions {
  /**
   * The address of the REST API (UPSTASH_REDIS_REST_URL): `https:`, or `http:` on this machine or in its own network.
   * Needed only when the store is first used, so that builds work without it.
   */
  readonly url: string | undefined;
  /** Its token, one that may write (UPSTASH_REDIS_REST_TOKEN). Needed only when the store is first used. */
  readonly token: string | undefined;
  /** The prefix of all keys: 1 to 64 letters, digits and `. _ : / -`. Default `"coatcheck:"`. */
  readonly prefix?: string;
  /**
   * How long a request may take, and how long after its call a write may still take effect, by the server's own clock.
   * Default 2 seconds.
   */
  readonly timeout?: Duration;
  /** Sends the requests. Default: the runtime's `fetch`. */
  readonly fetch?: UpstashFetch;
}

/**
 * Keeps records in Redis by HTTP requests, over the REST API of Upstash: for serverless functions and edge runtimes,
 * where a connection can't be kept. Records look as those of `redisStore`, so that both can share a database.
 *
 * @throws ConfigError CONFIG_INVALID if an option is not valid. If `url` or `token` is missing, the first call throws it.
 */
export function upstashStore(options: UpstashStoreOptions): Store {
  assertKnownOptions(options, ["url", "token", "prefix", "timeout", "fetch"], "upstashStore");
  const prefix = checkedPrefix(options.prefix);
  const timeout = toMilliseconds(options.timeout ?? { seconds: 2 }, "timeout");
  const { url, token, fetch } = options;
  assertOption(fetch === undefined || typeof fetch === "function", "fetch must be a function.");
  assertOption(!url || isAddress(url), addressHint);
  assertOption(
    !token || (typeof token === "string" && /^[\x21-\x7e]+$/.test(token)),
    "token must be the token of the REST API: text without spaces.",
  );
  const api = (): RestApi => {
    assertOption(Boolean(url), `url is missing. ${addressHint}`);
    assertOption(
      Boolean(token),
      "token is missing: it is the token of the REST API (UPSTASH_REDIS_REST_TOKEN).",
    );
    return { url: String(url), token: String(token), fetch, timeout };
  };
  return new RedisStore({
    connection: httpConnection(api),
    prefix,
    timeout,
    replication: undefined,
    near: undefined,
    onWarning: false,
  });
}

const addressHint =
  "url must be the address of the REST API (UPSTASH_REDIS_REST_URL), such as https://eu1-name.upstash.io, without a user " +
  "name. http: is accepted only for this machine and for names without a dot.";

/** The token travels with each request, so not in the clear over the internet. */
function isAddress(text: unknown): boolean {
  const url = typeof text === "string" ? URL.parse(text) : null;
  if (url === null || url.username !== "" || url.password !== "") return false;
  if (url.protocol === "https:") return true;
  const { hostname } = url;
  return (
    url.protocol === "http:" &&
    (/^127\.\d+\.\d+\.\d+$/.test(hostname) || /^(?:[\w-]+|\[::1\])$/.test(hostname))
  );
}

import { createHash } from "node:crypto";
import type { RedisConnection, ScriptCommand } from "./connection.ts";
import type { Argument } from "./record-hash.ts";
import { isUnknownScript } from "./errors.ts";
import type { Script } from "./scripts.ts";
import { ServerTime } from "./server-time.ts";

/** The part of `fetch` that the store uses. */
export type UpstashFetch = (
  url: string,
  init: {
    readonly method: "POST";
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly signal: AbortSignal;
    readonly redirect: "manual";
    readonly cache?: "no-store";
  },
) => Promise<{ readonly status: number; text(): Promise<string> }>;

/** Where the REST API is, and how it is reached. */
export interface RestApi {
  readonly url: string;
  readonly token: string;
  readonly fetch: UpstashFetch | undefined;
  /** How long a request may take, in milliseconds. */
  readonly timeout: number;
}

/**
 * @internal A connection over the REST API of Upstash: each command is a request, so nothing is shared between two of
 * them.
 *
 * @param api is called for each command. Throws if the options are incomplete.
 */
export function httpConnection(api: () => RestApi): RedisConnection {
  const run = async ({ name, script, key, args }: ScriptCommand): Promise<unknown[]> => {
    const { source, sha } = decoding(script);
    const text = name === "EVAL" ? source : sha;
    const reply = await send(api(), [name, text, "1", key, ...args.map(binaryText)]);
    // All of the store's scripts return lists.
    if (!Array.isArray(reply)) throw new Error("not JSON");
    return reply;
  };
  const serverTime = new ServerTime();
  return {
    store: "upstash",
    isCluster: false,
    serverTime,
    // A command that only reads may be answered by a replica, which may not know of a logout yet.
    async hash(key) {
      const command = { script: readHash, key, args: [] };
      let reply: unknown[];
      try {
        reply = await run({ ...command, name: "EVALSHA" });
      } catch (error) {
        if (!isUnknownScript(error)) throw error;
        reply = await run({ ...command, name: "EVAL" });
      }
      const [time, hash] = reply;
      serverTime.learn(Number(time));
      return hash;
    },
    run,
    runAndWait: () => Promise.reject(new Error("ERR WAIT needs a connection")),
    servers: async () => [],
    release() {},
  };
}

/** Also returns the server's time, so that the first write after a read knows it. */
const readHash: Script = {
  source: `local clock = redis.call('TIME')
return {clock[1] * 1000 + math.floor(clock[2] / 1000), redis.call('HGETALL', KEYS[1])}`,
  sha: "", // not used: see `decoding`
};

/**
 * JSON can't contain bytes. So each byte of an argument is sent as the character U+0000 to U+00FF, and arrives as its
 * UTF-8; this turns it into the byte again. In Redis, a record then looks as if it had been sent as bytes.
 */
const decode = `local bytes = {}
for code = 128, 255 do
  bytes[string.char(192 + math.floor(code / 64), 128 + code % 64)] = string.char(code)
end
local ARGV = ARGV
for at = 1, #ARGV do ARGV[at] = string.gsub(ARGV[at], '[\\194\\195][\\128-\\191]', bytes) end
`;

const decodingScripts = new WeakMap<Script, Script>();

/** The script that first decodes its arguments. */
function decoding(script: Script): Script {
  let own = decodingScripts.get(script);
  if (own === undefined) {
    const source = decode + script.source;
    own = { source, sha: createHash("sha1").update(source).digest("hex") };
    decodingScripts.set(script, own);
  }
  return own;
}

function binaryText(argument: Argument): string {
  return (typeof argument === "string" ? Buffer.from(argument) : Buffer.from(argument)).toString("latin1");
}

/** Some frameworks keep what `fetch` returned, even of POST requests. Older versions of workerd do not know the option. */
let uncached: { readonly cache?: "no-store" } | undefined;

function uncachedOption(): { readonly cache?: "no-store" } {
  if (uncached !== undefined) return uncached;
  try {
    const option = { cache: "no-store" } as const;
    void new Request("http://localhost", option);
    uncached = option;
  } catch {
    uncached = {};
  }
  return uncached;
}

async function send(
  { url, token, fetch: own, timeout }: RestApi,
  words: readonly string[],
): Promise<unknown> {
  const signal = AbortSignal.timeout(timeout);
  const request: UpstashFetch = own ?? fetch;
  let status: number;
  let text: string;
  try {
    const response = await request(url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        // Replies contain bytes, too.
        "upstash-encoding": "base64",
      },
      body: JSON.stringify(words),
      signal,
      redirect: "manual",
      ...uncachedOption(),
    });
    ({ status } = response);
    text = await response.text();
  } catch (error) {
    throw networkError(error, signal);
  }
  return replyOf(status, text);
}

/** Without the words of the runtime, which may contain the address. */
function networkError(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return new Error("Command timed out");
  const codes = [error, error instanceof Error ? error.cause : undefined].map((one) =>
    typeof one === "object" && one !== null && "code" in one ? one.code : undefined,
  );
  const code = codes.find((one) => typeof one === "string" && /^\w+$/.test(one));
  const plain = new Error("The request failed");
  return code === undefined ? plain : Object.assign(plain, { code });
}

/** @throws the error that Redis replied with, or one that says what the reply was instead. */
function replyOf(status: number, text: string): unknown {
  if (status === 401 || status === 403) throw new Error(`NOAUTH HTTP ${status}`);
  if (status === 429 || status >= 500) throw new Error(`HTTP ${status}`);
  const reply = parsed(text);
  if (reply !== undefined && "error" in reply && typeof reply.error === "string")
    throw new Error(reply.error);
  if (status !== 200) throw new Error(`HTTP ${status}`);
  if (reply === undefined || !("result" in reply)) throw new Error("not JSON");
  return fromBase64(reply.result);
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The reply with its strings as bytes. */
function fromBase64(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(fromBase64);
  if (typeof reply !== "string") return reply;
  const bytes = Buffer.from(reply, "base64");
  if (bytes.toString("base64") !== reply) throw new Error("not encoded");
  return bytes;
}

import { StoreError } from "../../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../../errors.ts";
import type { Argument } from "./record-hash.ts";

type Fault = readonly [StoreErrorCode, transient: boolean, what: string];

const full: Fault = ["STORE_FULL", true, "Redis has no memory left (maxmemory)"];
const elsewhere: Fault = ["STORE_UNAVAILABLE", true, "no server of the cluster serves this key right now"];
const denied: Fault = ["STORE_FAILED", false, "Redis denies this user the command"];
const busy: Fault = ["STORE_BUSY", true, "Redis is busy running a script"];
const unreachable: Fault = ["STORE_UNAVAILABLE", true, "there is no connection to Redis"];

/** Keyed by the word that an error reply of Redis begins with. */
const replies: Readonly<Record<string, Fault>> = {
  READONLY: ["STORE_READ_ONLY", true, "this Redis is a replica"],
  LOADING: ["STORE_UNAVAILABLE", true, "Redis is loading its data"],
  MASTERDOWN: ["STORE_UNAVAILABLE", true, "this Redis is a replica without its primary"],
  MISCONF: ["STORE_UNAVAILABLE", true, "Redis cannot save to its disk and accepts no writes"],
  NOREPLICAS: ["STORE_UNAVAILABLE", true, "Redis has too few replicas to accept writes"],
  OOM: full,
  BUSY: busy,
  UNKILLABLE: busy,
  CLUSTERDOWN: elsewhere,
  TRYAGAIN: elsewhere,
  MOVED: elsewhere,
  ASK: elsewhere,
  NOPERM: denied,
  NOAUTH: denied,
  WRONGPASS: denied,
  WRONGTYPE: ["RECORD_UNREADABLE", false, "the record's key holds something that is not a record"],
};

const refused: Fault = ["STORE_FAILED", false, "Redis refused the command"];

/** Matched against the class name and message, since the clients' own errors have no codes. */
const texts: readonly (readonly [RegExp, Fault])[] = [
  [/max number of clients/i, ["STORE_BUSY", true, "Redis has too many clients"]],
  [/queue is full/i, ["STORE_BUSY", true, "the client's queue is full"]],
  [/command timed out|^TimeoutError|^CommandTimeout/i, ["STORE_TIMEOUT", true, "the client waited too long"]],
  // Over HTTP. The texts of Upstash's limits begin with ERR.
  [
    /^Error: HTTP 429|requests? limit exceeded|rate limit/i,
    ["STORE_BUSY", true, "the limit of requests is reached"],
  ],
  [/capacity quota exceeded/i, ["STORE_FULL", true, "the database is full"]],
  [/^Error: HTTP 5/, ["STORE_UNAVAILABLE", true, "the server of the REST API failed"]],
  [/^Error: HTTP \d/, refused],
  [
    /^Error: not JSON/,
    ["STORE_UNAVAILABLE", true, "the reply was cut off or is not that of a REST API of Redis"],
  ],
  [
    /^Error: not encoded/,
    ["STORE_FAILED", false, "the server did not encode its reply in base64, as it was asked to"],
  ],
  [/cluster redirections|cannot find node/i, elsewhere],
  // node-redis throws that TypeError if its map of the cluster is incomplete.
  [/slots cache|startup nodes|root nodes|cluster|sentinel|shard|^TypeError: Cannot read prop/i, elsewhere],
];

/** Converts a client's error into a StoreError that contains none of the command's arguments. */
export function redisError(
  store: string,
  operation: StoreOperation,
  cause: unknown,
  args: readonly Argument[] = [],
): StoreError {
  if (cause instanceof StoreError) return cause;
  const text = cause instanceof Error ? cause.message : "";
  const named = cause instanceof Error ? `${cause.constructor.name}: ${text}` : "";
  // Redis 6 wraps the error of a command that a script called.
  const word = /^(?:ERR Error running script.*? -)?([A-Z]{2,})(?: |$)/.exec(text)?.[1];
  const [code, transient, what] =
    replies[word ?? ""] ??
    texts.find(([pattern]) => pattern.test(named))?.[1] ??
    (word === "ERR" || cause instanceof TypeError ? refused : unreachable);
  return new StoreError(code, operation, `The ${store} store could not ${operation}: ${what}.`, {
    transient,
    cause: bare(cause, text, args),
  });
}

/** Whether Redis does not have the script cached. It has changed nothing then. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

/** Whether the key holds a value of another type, which cannot be a record. */
export function isForeign(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("WRONGTYPE");
}

/** A copy without the command's arguments, which ioredis attaches to its errors and Redis sometimes quotes. */
function bare(cause: unknown, text: string, args: readonly Argument[]): Error {
  const quotes = args.some((argument) => argument.length > 3 && text.includes(String(argument)));
  const bareCause = new Error(quotes || /with args/.test(text) ? text.split(" ", 1)[0] : text);
  bareCause.name = cause instanceof Error ? cause.constructor.name : "Error";
  const code: unknown = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? Object.assign(bareCause, { code }) : bareCause;
}

import { StoreError } from "../../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../../errors.ts";
import type { Argument } from "./record-hash.ts";

type Fault = readonly [StoreErrorCode, transient: boolean, what: string];

const full: Fault = ["STORE_FULL", true, "Redis has no memory left (maxmemory)"];
const elsewhere: Fault = ["STORE_UNAVAILABLE", true, "no server of the cluster takes this key now"];
const denied: Fault = ["STORE_FAILED", false, "Redis does not let this user do it"];
const busy: Fault = ["STORE_BUSY", true, "Redis is busy with a script"];
const unreachable: Fault = ["STORE_UNAVAILABLE", true, "there is no connection to Redis"];

/** By the word that Redis begins an error with. */
const replies: Readonly<Record<string, Fault>> = {
  READONLY: ["STORE_READ_ONLY", true, "this Redis is a replica"],
  LOADING: ["STORE_UNAVAILABLE", true, "Redis is loading its data"],
  MASTERDOWN: ["STORE_UNAVAILABLE", true, "this Redis is a replica without its primary"],
  MISCONF: ["STORE_UNAVAILABLE", true, "Redis cannot save to its disk, and takes no writes"],
  NOREPLICAS: ["STORE_UNAVAILABLE", true, "Redis has too few replicas to take writes"],
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
  WRONGTYPE: ["RECORD_UNREADABLE", false, "something else is kept under the record's key"],
};

/** By what an error's text holds. Clients' own errors have no codes. */
const texts: readonly (readonly [RegExp, Fault])[] = [
  [/max number of clients/i, ["STORE_BUSY", true, "Redis has too many clients"]],
  [/queue is full/i, ["STORE_BUSY", true, "the client's queue is full"]],
  [/command timed out|^TimeoutError|^CommandTimeout/i, ["STORE_TIMEOUT", true, "the client waited too long"]],
  [/cluster redirections|cannot find node/i, elsewhere],
  // The last is what node-redis runs into where its map of the cluster has a hole.
  [/slots cache|startup nodes|root nodes|cluster|sentinel|shard|^TypeError: Cannot read prop/i, elsewhere],
];

/** What went wrong, as an error that holds nothing of the command's arguments. */
export function redisError(
  operation: StoreOperation,
  cause: unknown,
  args: readonly Argument[] = [],
): StoreError {
  if (cause instanceof StoreError) return cause;
  const text = cause instanceof Error ? cause.message : "";
  const named = cause instanceof Error ? `${cause.constructor.name}: ${text}` : "";
  // Redis 6 wraps what a script's command ran into.
  const word = /^(?:ERR Error running script.*? -)?([A-Z]{2,})(?: |$)/.exec(text)?.[1];
  const [code, transient, what] =
    replies[word ?? ""] ??
    texts.find(([pattern]) => pattern.test(named))?.[1] ??
    (word === "ERR" || cause instanceof TypeError
      ? (["STORE_FAILED", false, "Redis refused the command"] as const)
      : unreachable);
  return new StoreError(code, operation, `The redis store could not ${operation}: ${what}.`, {
    transient,
    cause: bare(cause, text, args),
  });
}

/** Whether Redis has not seen a script yet, or has forgotten it; it has done nothing then. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

/** Whether something that is no record is kept under the key. */
export function isForeign(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("WRONGTYPE");
}

/** ioredis hangs the command's arguments on its errors, and Redis quotes some of them: nothing of both is kept. */
function bare(cause: unknown, text: string, args: readonly Argument[]): Error {
  const quotes = args.some((argument) => argument.length > 3 && text.includes(String(argument)));
  const bareCause = new Error(quotes || /with args/.test(text) ? text.split(" ", 1)[0] : text);
  bareCause.name = cause instanceof Error ? cause.constructor.name : "Error";
  const code: unknown = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? Object.assign(bareCause, { code }) : bareCause;
}

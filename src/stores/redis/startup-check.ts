import type { RedisConnection } from "./connection.ts";

/** A warning about the configuration of a Redis server. */
export interface RedisWarning {
  readonly code: "COATCHECK_REDIS_MAY_EVICT" | "COATCHECK_REDIS_NOT_PERSISTENT";
  readonly message: string;
}

/**
 * Checks whether the servers are configured in a way that loses sessions. Settings that a server does not
 * reveal are not judged: managed servers forbid `CONFIG`, and an ACL may forbid more.
 *
 * @internal
 */
export async function checkServers(connection: RedisConnection): Promise<RedisWarning[]> {
  const warnings = new Map<string, RedisWarning>();
  for (const ask of await connection.servers()) {
    const info = await answered(ask("INFO"));
    const policy = valueIn(info, "maxmemory_policy");
    // Without a limit nothing is evicted, whatever the policy.
    if (policy !== undefined && policy !== "noeviction" && Number(valueIn(info, "maxmemory")) > 0) {
      warnings.set("COATCHECK_REDIS_MAY_EVICT", {
        code: "COATCHECK_REDIS_MAY_EVICT",
        message:
          `Redis may evict sessions when its memory is full (maxmemory-policy ${policy}), which logs people ` +
          "out. Set it to noeviction on the server that keeps sessions.",
      });
    }
    const save = await answered(ask("CONFIG", "GET", "save"));
    if (valueIn(info, "aof_enabled") === "0" && /^save\s*$/.test(save)) {
      warnings.set("COATCHECK_REDIS_NOT_PERSISTENT", {
        code: "COATCHECK_REDIS_NOT_PERSISTENT",
        message:
          "Redis keeps nothing on disk: a restart logs everybody out. Set appendonly yes, unless that is what you want.",
      });
    }
  }
  return [...warnings.values()];
}

/** The reply as text, one part per line; empty if the server refuses. */
async function answered(reply: Promise<unknown>): Promise<string> {
  try {
    return linesOf(await reply);
  } catch {
    return "";
  }
}

function linesOf(reply: unknown): string {
  if (Array.isArray(reply)) return reply.map(linesOf).join("\n");
  if (Buffer.isBuffer(reply) || typeof reply === "string") return reply.toString();
  if (reply instanceof Map) return linesOf([...reply]);
  return typeof reply === "object" && reply !== null ? linesOf(Object.entries(reply)) : "";
}

function valueIn(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\s*$`, "m").exec(info)?.[1];
}

import type { Context } from "hono";

/** Whether the visitor has this version already (RFC 9110, 13.1.2). */
export function isKnown(c: Context, tag: string): boolean {
  const etags = c.req.header("If-None-Match")?.split(",") ?? [];
  return etags.some((one) => one.trim().replace(/^W\//, "") === tag || one.trim() === "*");
}

import type { Context } from "hono";
import { getConnInfo } from "@hono/node-server/conninfo";
import { networkOf } from "./throttle.ts";

/**
 * Where a request comes from, for the throttle: the other end of the connection.
 * Forwarded headers are not read; anybody can write them.
 */
export function addressOf(c: Context): string {
  return networkOf(getConnInfo(c).remote.address);
}

/**
 * Whether browsers keep a Secure cookie that comes from this address: over https, and over plain
 * http from the machine itself. Only used to explain; nothing is decided by it.
 */
export function keepsSecureCookies(c: Context): boolean {
  const { protocol, hostname } = new URL(c.req.url);
  if (protocol === "https:" || c.req.header("X-Forwarded-Proto") === "https") return true;
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    hostname.startsWith("127.")
  );
}

import { isIP } from "node:net";
import type { Context } from "hono";
import { getConnInfo } from "@hono/node-server/conninfo";

/**
 * Where a request comes from, for the throttle: the other end of the connection.
 *
 * Anybody can write an X-Forwarded-For header, so it is read only as far as it was written by proxies that the
 * operator knows of (PROXIES): each appends the address it was called from.
 *
 * @param proxies how many proxies stand in front of the site.
 */
export function addressOf(c: Context, proxies: number): string {
  const direct = getConnInfo(c).remote.address ?? "unknown";
  if (proxies === 0) return direct;
  const hops = (c.req.header("X-Forwarded-For") ?? "").split(",").map((hop) => withoutPort(hop.trim()));
  const forwarded = hops.at(-proxies);
  return forwarded !== undefined && isIP(forwarded) !== 0 ? forwarded : direct;
}

/** Some proxies write `192.0.2.1:5678` or `[2001:db8::1]:5678`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}

/**
 * The networks that an address counts as, the narrowest first. One address of IPv6 is nothing: whoever has one has a
 * whole /64, and a /48 costs nothing either.
 */
export function networksOf(address: string): string[] {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1]) return [mapped[1]];
  if (!address.includes(":")) return [address];
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? [];
  const left = head === "" ? [] : head.split(":");
  const right = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right].map((group) =>
    Number.parseInt(group, 16).toString(16),
  );
  return [`${groups.slice(0, 4).join(":")}::/64`, `${groups.slice(0, 3).join(":")}::/48`];
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

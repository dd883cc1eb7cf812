import { Hono } from "hono";
import { page } from "../page.ts";
import type { Parts } from "../site.ts";
import { insideView } from "../views/inside.ts";

/** The name of the session's cookie: the library's default. */
const COOKIE = "__Host-Http-session";

/** `/inside`: what the server keeps for this visitor, beside what their browser holds. */
export function insideRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.get("/inside", async (c) => {
    const session = await parts.sessions.of(c);
    const ticket = parts.sessions.cookies(c).get(COOKIE);
    const kept = session.id !== undefined;
    const content = insideView({
      cookieName: COOKIE,
      // Lengths only: an HttpOnly cookie that a page prints is no longer one.
      ticketParts: kept ? ticket?.split(".").map((part) => part.length) : undefined,
      record: kept
        ? {
            id: session.id ?? "",
            subject: session.subject,
            createdAt: session.createdAt,
            authenticatedAt: session.authenticatedAt,
            lastSeenAt: session.lastSeenAt,
            expiresAt: session.expiresAt,
            permanent: session.permanent,
          }
        : undefined,
      entries: kept ? session.entries() : [],
    });
    return page(c, parts, { title: "Inside the session", content });
  });
  return app;
}

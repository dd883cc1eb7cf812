import { Hono } from "hono";
import { DEVICE_COOKIE } from "../device.ts";
import { page, SESSION_COOKIE } from "../page.ts";
import type { Parts } from "../parts.ts";
import { insideView } from "../views/inside.ts";

/** `/inside`: what the server keeps for this visitor, beside what their browser holds. */
export function insideRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.get("/inside", async (c) => {
    const session = await parts.sessions.of(c);
    const cookies = parts.sessions.cookies(c);
    const ticket = cookies.get(SESSION_COOKIE);
    const kept = session.id !== undefined;
    const content = insideView({
      cookieName: SESSION_COOKIE,
      // Lengths only: an HttpOnly cookie that a page prints is no longer one.
      ticketParts: kept ? ticket?.split(".").map((part) => part.length) : undefined,
      isRefused: session.rejection !== undefined,
      deviceCookie: cookies.has(DEVICE_COOKIE) ? DEVICE_COOKIE : undefined,
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

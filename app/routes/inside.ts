import { Hono } from "hono";
import { DEVICE_COOKIE } from "../device.ts";
import { page, SESSION_COOKIE } from "../page.ts";
import type { Parts } from "../parts.ts";
import { diskView } from "../views/disk.ts";
import { insideView } from "../views/inside.ts";

/** How a ticket begins whose form is right: its id, which is no secret. */
const TICKET_ID = /^([\w-]{22})\./;

/** `/inside`: what the server stores for this visitor, next to what their browser stores, and what lies on disk. */
export function insideRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/inside", async (c) => {
    const session = await parts.sessions.of(c);
    const cookies = parts.sessions.cookies(c);
    const ticket = cookies.get(SESSION_COOKIE);
    const kept = session.id !== undefined;
    const content = insideView({
      cookieName: SESSION_COOKIE,
      // Only lengths: printing an HttpOnly cookie on a page would defeat its purpose.
      ticketParts: kept ? ticket?.split(".").map((part) => part.length) : undefined,
      rejection: session.rejection?.reason,
      // The number of a ticket that is over: the one just refused, or the one before a logout.
      torn:
        session.id === undefined
          ? session.rejection && TICKET_ID.exec(ticket ?? "")?.[1]
          : parts.events.before(session.id),
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

  app.get("/inside/disk", async (c) => {
    const { id } = await parts.sessions.of(c);
    const { store } = parts;
    const record = id === undefined ? null : await store.read(id, parts.now(), true);
    const content = diskView({ record, storeName: store.name, isSealed: !store.inProcess });
    return page(c, parts, { title: "What lies on disk", content });
  });

  return app;
}

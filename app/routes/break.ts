import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Context, MiddlewareHandler } from "hono";
import { StoreError } from "coatcheck";
import { readForm } from "../form.ts";
import { currentMeasurement } from "../measure.ts";
import { isFor, refuseForm } from "../owner.ts";
import { page, requireLogin, seeOther, SESSION_COOKIE, tell } from "../page.ts";
import { whoIs } from "../profile.ts";
import type { Parts, Visit } from "../parts.ts";
import { breakView, eventView, outageView, ownFormView } from "../views/break.ts";
import type { KeptTicket } from "../views/break.ts";
import { layout } from "../views/layout.ts";

/** The cookies of this page: who watches, until when their store is away, and a ticket kept aside. */
const VISITOR = "__Host-break";
const OUTAGE = "__Host-break-outage";
const KEPT = "__Host-break-ticket";

const WATCHED_FOR = { hours: 2 };
const KEPT_FOR = { minutes: 15 };
const AWAY_FOR = { seconds: 10 };

const TICKET = /^[\w-]{22}\.[\w-]{43}\.[\w-]{22}$/;

/**
 * Finds out who is watching their own events, and who has taken the store away from themselves. Both stand in signed
 * cookies, so nobody can do it to somebody else, and no process has to remember it.
 */
export function brokenStore(parts: Parts): MiddlewareHandler {
  return (c, next) => {
    const measurement = currentMeasurement();
    if (measurement !== undefined && c.req.header("Cookie")?.includes(VISITOR) === true) {
      const { signed } = parts.sessions.cookies(c);
      measurement.visitor = signed.get(VISITOR);
      measurement.isStoreAway = awayUntil(c, parts) !== undefined;
      if (measurement.visitor !== undefined) parts.events.watch(measurement.visitor);
    }
    return next();
  };
}

/** `/break`: buttons that break the visitor's own session, and the events that follow. */
export function breakRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/break", async (c) => {
    const visitor = currentMeasurement()?.visitor;
    const seen = () => (visitor === undefined ? undefined : parts.events.of(visitor));
    try {
      const session = await parts.sessions.of(c);
      if (visitor !== undefined) parts.events.watch(visitor, session.id);
      const content = breakView({
        ticket: session.id,
        user: whoIs(parts, session)?.name,
        owner: session.subject,
        rejection: session.rejection?.reason,
        kept: keptTicket(c, parts)?.kind,
        events: seen(),
      });
      return await page(c, parts, { title: "Break it", content });
    } catch (error) {
      const until = awayUntil(c, parts);
      if (!(error instanceof StoreError) || until === undefined) throw error;
      c.header("Retry-After", String(Math.max(1, Math.ceil((until - parts.now()) / 1_000))));
      const content = outageView({ until: new Date(until), events: seen() ?? [] });
      return c.html(layout({ title: "Break it", content, visitor: "unknown", path: c.req.path }), 503);
    }
  });

  app.post("/break", async (c) => {
    const form = await readForm(c);
    watchVisitor(c, parts);
    switch (form.text("what")) {
      case "edit":
        sendEdited(c, parts);
        break;
      case "swap":
        swapTickets(c, parts);
        break;
      case "outage":
        parts.sessions
          .cookies(c)
          .signed.set(OUTAGE, String(parts.now() + AWAY_FOR.seconds * 1_000), { maxAge: AWAY_FOR });
        break;
      case "rotate": {
        const session = await parts.sessions.of(c);
        if (session.id === undefined) break;
        keepTicket(c, parts, "old");
        await session.rotate();
        break;
      }
      case "logout": {
        const session = await parts.sessions.of(c);
        if (session.id === undefined) break;
        keepTicket(c, parts, "ended");
        await session.logout();
        break;
      }
      case "expire":
        await expireNow(parts, await parts.sessions.of(c));
        break;
      default:
    }
    return seeOther(c, "/break");
  });

  app.post("/break/form", requireLogin(parts), async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    if (!isFor(form, session))
      return refuseForm(c, parts, { form, session, freshForm: ownFormView(session.subject ?? "") });
    tell(session, "Accepted: the form was made for whoever is logged in now.", "success");
    return seeOther(c, "/break");
  });

  app.get("/break/events", (c) => {
    const visitor = currentMeasurement()?.visitor;
    if (visitor === undefined) return c.body(null, 404, { "Cache-Control": "no-store" });
    return parts.streams.respond(`break ${visitor}`, (send) =>
      parts.events.listen(visitor, (seen) => {
        void Promise.resolve(eventView(seen)).then((markup) => send("seen", String(markup)));
      }),
    );
  });

  return app;
}

/** From the first button on, this visitor's events are kept. */
function watchVisitor(c: Context, parts: Parts): void {
  const measurement = currentMeasurement();
  if (measurement === undefined || measurement.visitor !== undefined) return;
  measurement.visitor = randomUUID();
  parts.sessions.cookies(c).signed.set(VISITOR, measurement.visitor, { maxAge: WATCHED_FOR });
  parts.events.watch(measurement.visitor);
}

/** When the store comes back for this visitor; `undefined` if it is there. */
function awayUntil(c: Context, parts: Parts): number | undefined {
  const until = Number(parts.sessions.cookies(c).signed.get(OUTAGE));
  return until > parts.now() ? until : undefined;
}

/** Makes this session's record as old as it can get, in the store itself. */
async function expireNow(parts: Parts, session: Visit): Promise<void> {
  const now = parts.now();
  const record = session.id === undefined ? null : await parts.store.read(session.id, now, true);
  if (record === null) return;
  await parts.store.patch(record.id, { epoch: record.epoch, columns: { absoluteDeadline: now } }, now);
}

/** Sends the visitor's own ticket with one character changed, and keeps the good one aside. */
function sendEdited(c: Context, parts: Parts): void {
  const ticket = ownTicket(c, parts);
  if (ticket === undefined) return;
  keepTicket(c, parts, "good");
  const at = 40;
  sendTicket(c, ticket.slice(0, at) + (ticket[at] === "A" ? "B" : "A") + ticket.slice(at + 1));
}

/** Sends the ticket that was kept aside, and keeps the current one instead if it may still be good. */
function swapTickets(c: Context, parts: Parts): void {
  const kept = keptTicket(c, parts);
  if (kept === undefined) return;
  const isBack = kept.kind === "good" || kept.kind === "new" || ownTicket(c, parts) === undefined;
  if (isBack) parts.sessions.cookies(c).delete(KEPT);
  else keepTicket(c, parts, "new");
  sendTicket(c, kept.ticket);
}

/**
 * The ticket is kept in the visitor's own browser, sealed: this site remembers no ticket. The name's prefix says that
 * no other host can have planted it.
 */
function keepTicket(c: Context, parts: Parts, kind: KeptTicket): void {
  const ticket = ownTicket(c, parts);
  if (ticket !== undefined)
    parts.sessions.cookies(c).sealed.set(KEPT, `${kind} ${ticket}`, { maxAge: KEPT_FOR });
}

function keptTicket(c: Context, parts: Parts): { kind: KeptTicket; ticket: string } | undefined {
  const [kind, ticket] = parts.sessions.cookies(c).sealed.get(KEPT)?.split(" ") ?? [];
  if (ticket === undefined || (kind !== "good" && kind !== "old" && kind !== "ended" && kind !== "new"))
    return undefined;
  return { kind, ticket };
}

function ownTicket(c: Context, parts: Parts): string | undefined {
  const ticket = parts.sessions.cookies(c).get(SESSION_COOKIE);
  return ticket !== undefined && TICKET.test(ticket) ? ticket : undefined;
}

/** The library sets no ticket that it did not issue for this response, so the header is written by hand. */
function sendTicket(c: Context, ticket: string): void {
  c.header("Set-Cookie", `${SESSION_COOKIE}=${ticket}; Path=/; Secure; HttpOnly; SameSite=Lax`, {
    append: true,
  });
}

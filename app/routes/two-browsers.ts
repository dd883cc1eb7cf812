import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Hono } from "hono";
import { eventChannel } from "coatcheck";
import type { PublishedEvent } from "coatcheck";
import { readForm } from "../form.ts";
import { isFor, refuseForm } from "../owner.ts";
import { page, requireLogin, seeOther, tell } from "../page.ts";
import type { Parts } from "../parts.ts";
import { toTwoBrowsersView, twoBrowsersView } from "../views/two-browsers.ts";

/** `/two-browsers`: one browser ends the session of another, which sees it at once. */
export function twoBrowsersRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/two-browsers", requireLogin(parts), async (c) => {
    const session = await parts.sessions.of(c);
    const owner = session.subject ?? "";
    const devices = await parts.sessions.list(owner);
    const content = twoBrowsersView({ owner, devices, current: session.id, now: parts.now() });
    return page(c, parts, { title: "Two browsers", content });
  });

  app.post("/two-browsers", requireLogin(parts), async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    if (!isFor(form, session)) return refuseForm(c, parts, { form, session, freshForm: toTwoBrowsersView() });
    // An id grants no permission: only the user's own sessions can be ended.
    const ended = await parts.sessions.revoke(form.text("id"), { subject: session.subject ?? "" });
    if (ended) tell(session, "Ended. Look at the other browser: its line was hung up.", "success");
    else tell(session, "That session had ended already.", "info");
    return seeOther(c, "/two-browsers");
  });

  app.get("/two-browsers/line", async (c) => {
    const { id, subject, signal } = await parts.sessions.of(c);
    // An EventSource does not try again after this.
    if (id === undefined || subject === undefined) return c.body(null, 401, { "Cache-Control": "no-store" });
    return parts.streams.respond(`line ${id}`, (send, end) => {
      const hangUp = (): void => {
        send("ended", "The session has ended.");
        end();
      };
      const hear = (message: unknown): void => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the only thing that this channel carries
        const event = message as PublishedEvent;
        if ("subject" in event && event.subject === subject && event.id !== id) send("changed", event.type);
      };
      signal.addEventListener("abort", hangUp);
      subscribe(eventChannel, hear);
      send("open", "The line is open.");
      if (signal.aborted) hangUp();
      return () => {
        signal.removeEventListener("abort", hangUp);
        unsubscribe(eventChannel, hear);
      };
    });
  });

  return app;
}

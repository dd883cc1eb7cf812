import { Hono } from "hono";
import { readForm } from "../form.ts";
import { isFor, refuseForm } from "../owner.ts";
import { page, requireLogin, seeOther, tell } from "../page.ts";
import type { Parts } from "../parts.ts";
import { devicesView, toDevicesView } from "../views/devices.ts";

/** `/devices`: where this user is logged in, and how to end it. */
export function deviceRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.get("/devices", requireLogin(parts), async (c) => {
    const session = await parts.sessions.of(c);
    const devices = await parts.sessions.list(session.subject ?? "");
    const content = devicesView({ owner: session.subject ?? "", devices, current: session.id });
    return page(c, parts, { title: "Devices", content });
  });

  app.post("/devices", requireLogin(parts), async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    const subject = session.subject ?? "";
    if (!isFor(form, session)) return refuseForm(c, parts, { form, session, anew: toDevicesView() });
    if (form.ticked("others")) {
      const ended = await parts.sessions.revokeAll(
        subject,
        session.id === undefined ? {} : { except: session.id },
      );
      tell(
        session,
        ended === 0
          ? "No other browser was logged in."
          : `Ended: ${ended} other ${ended === 1 ? "browser" : "browsers"}.`,
        "success",
      );
      return seeOther(c, "/devices");
    }
    const id = form.text("id");
    if (id === session.id) {
      await session.logout();
      tell(session, "Goodbye! You ended the session of this browser.", "success");
      return seeOther(c, "/login");
    }
    // An id is a name, no permission: only one's own sessions can be ended with it.
    const ended = await parts.sessions.revoke(id, { subject });
    if (ended) tell(session, "That browser is logged out.", "success");
    else tell(session, "That session had ended already.", "info");
    return seeOther(c, "/devices");
  });

  return app;
}

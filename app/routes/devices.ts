import { Hono } from "hono";
import type { Context } from "hono";
import { isDemo } from "../demo.ts";
import { readForm } from "../form.ts";
import { forget, keep } from "../kept.ts";
import { isFor, refuseForm } from "../owner.ts";
import { page, requireLogin, seeOther, tell } from "../page.ts";
import type { Parts, Visit } from "../parts.ts";
import { whoIs } from "../profile.ts";
import { devicesView, MAX_DEVICE_NAME, toDevicesView } from "../views/devices.ts";

/** `/devices`: where this user is logged in, and how to end it. */
export function deviceRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.get("/devices", requireLogin(parts), async (c) => {
    const session = await parts.sessions.of(c);
    const { subject: owner = "", id: current } = session;
    const devices = await parts.sessions.list(owner);
    const names = parts.users.deviceNames(owner);
    const isShared = isDemo({ name: whoIs(parts, session)?.name ?? "" });
    const content = devicesView({ owner, devices, names, current, isShared, now: parts.now() });
    return page(c, parts, { title: "Devices", content });
  });

  app.post("/devices", requireLogin(parts), async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    const subject = session.subject ?? "";
    if (!isFor(form, session)) return refuseForm(c, parts, { form, session, freshForm: toDevicesView() });
    if (form.ticked("everywhere") || form.ticked("others")) {
      const ended = await parts.sessions.revokeAll(
        subject,
        session.id === undefined ? {} : { except: session.id },
      );
      const others = `${ended} other ${ended === 1 ? "browser" : "browsers"}`;
      if (form.ticked("everywhere")) {
        await session.logout();
        tell(session, `Goodbye! You are logged out here and in ${others}.`, "success");
        return seeOther(c, "/login");
      }
      tell(session, ended === 0 ? "No other browser was logged in." : `Ended: ${others}.`, "success");
      return seeOther(c, "/devices");
    }
    const id = form.text("id");
    if (form.ticked("name")) return nameDevice(c, parts, { session, id, name: form.text("name") });
    if (id === session.id) {
      await session.logout();
      tell(session, "Goodbye! You ended the session of this browser.", "success");
      return seeOther(c, "/login");
    }
    // An id grants no permission: only the user's own sessions can be ended.
    const ended = await parts.sessions.revoke(id, { subject });
    if (ended) tell(session, "That browser is logged out.", "success");
    else tell(session, "That session had ended already.", "info");
    return seeOther(c, "/devices");
  });

  return app;
}

/** Names a browser. This one keeps its name for its next sessions. */
async function nameDevice(
  c: Context,
  parts: Parts,
  { session, id, name: typed }: { session: Visit; id: string; name: string },
): Promise<Response> {
  const { subject = "" } = session;
  const open = await parts.sessions.list(subject);
  const name = typed.replaceAll(/\s+/g, " ").trim().slice(0, MAX_DEVICE_NAME).toWellFormed();
  if (!open.some((device) => device.id === id)) {
    tell(session, "That session had ended already.", "info");
    return seeOther(c, "/devices");
  }
  parts.users.nameDevice({ subject, session: id, name, open });
  if (id === session.id) {
    if (name === "") forget(c, parts, "browser-name");
    else keep(c, parts, "browser-name", [subject, name]);
  }
  tell(session, name === "" ? "The name is removed." : `That browser is ${name} from now on.`, "success");
  return seeOther(c, "/devices");
}

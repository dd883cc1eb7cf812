import { Hono } from "hono";
import type { Context } from "hono";
import { isColour } from "../colours.ts";
import { isDemo } from "../demo.ts";
import { readForm } from "../form.ts";
import { forget, keepNote, keptNote } from "../kept.ts";
import type { Note } from "../kept.ts";
import { isFor, refuseForm } from "../owner.ts";
import { page, requireLogin, seeOther, tell, toLogin } from "../page.ts";
import { greet } from "../profile.ts";
import type { Parts, Visit } from "../parts.ts";
import { loginPath } from "../return-path.ts";
import { MAX_NOTE_CHARACTERS } from "../users.ts";
import { OWNER_FIELD } from "../views/owner.ts";
import { noteForm, userView, notSavedView, unsavedNotice } from "../views/user.ts";

/** `/user`: greets the user, with their data from the database. */
export function userRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/user", requireLogin(parts), async (c) => {
    const session = await parts.sessions.of(c);
    const { subject: owner = "" } = session;
    if (!session.has("user")) {
      // Still logged in, but the session was cleared (see /session_delete), so the database is read.
      const user = parts.users.byId(owner);
      if (!user) {
        await session.logout();
        return seeOther(c, "/login");
      }
      greet(c, parts, session, user);
    }
    const saved = { owner, note: session.get("note") ?? "", colour: session.get("colour") ?? "green" };
    const unsaved = keptNote(c, parts, "typed-note", owner);
    const content = userView({
      form: { ...(unsaved ?? saved), isUnsaved: unsaved !== undefined },
      name: session.get("user") ?? "",
      lastLogin: session.get("lastLogin"),
      permanent: session.permanent,
      expiresAt: session.expiresAt,
      now: parts.now(),
    });
    return page(c, parts, { title: "Your page", content, notice: unsaved && unsavedNotice() });
  });

  app.post("/user", async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    if (form.ticked("discard")) {
      forget(c, parts, "typed-note");
      return seeOther(c, "/user");
    }
    const owner = form.text(OWNER_FIELD);
    // Browsers send line breaks as CR LF and count them as one character (HTML, textarea's maxlength).
    const note = form.text("note").replaceAll("\r\n", "\n");
    const colour = form.text("colour");
    if (!session.loggedIn && owner === "") return toLogin(c);
    if (note.length > MAX_NOTE_CHARACTERS || !isColour(colour)) {
      const problem = `Not saved: a note has at most ${MAX_NOTE_CHARACTERS} characters, and the colour is one of those shown.`;
      return page(c, parts, {
        title: "Not saved",
        status: 422,
        content: notSavedView({ owner: session.subject ?? owner, note, colour }),
        problem,
      });
    }
    if (!session.loggedIn) {
      // A text must not be lost because its writer's session has ended.
      keepNote(c, parts, "typed-note", { owner, note, colour });
      return seeOther(c, loginPath("/user"));
    }
    if (!isFor(form, session)) {
      const freshForm = noteForm({ owner: session.subject ?? "", note, colour });
      return refuseForm(c, parts, { form, session, freshForm });
    }
    save(c, parts, session, { owner, note, colour });
    return seeOther(c, "/user");
  });

  return app;
}

function save(c: Context, parts: Parts, session: Visit, kept: Note): void {
  const { owner, note, colour } = kept;
  const user = parts.users.byId(owner);
  if (user && isDemo(user)) {
    keepNote(c, parts, "demo-note", kept);
    const here = "Saved for a day, in this browser only: the demo account is everybody's.";
    tell(session, `${here} It comes back whenever you log in.`, "success");
  } else {
    parts.users.saveProfile(owner, note, colour);
    tell(session, "Saved. It is in the database, and comes back whenever you log in.", "success");
  }
  forget(c, parts, "typed-note");
  session.set("note", note);
  session.set("colour", colour);
}

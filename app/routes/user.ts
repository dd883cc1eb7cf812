import { Hono } from "hono";
import { isColour } from "../colours.ts";
import { readForm } from "../form.ts";
import { isFor, refuseForm } from "../owner.ts";
import { page, requireLogin, seeOther, tell, toLogin } from "../page.ts";
import { greet } from "../profile.ts";
import type { Parts } from "../parts.ts";
import { MAX_NOTE_CHARACTERS } from "../users.ts";
import { OWNER_FIELD } from "../views/owner.ts";
import { loggedOutView, noteForm, userView } from "../views/user.ts";

/** `/user`: the page that greets, with what the database keeps for this user. */
export function userRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/user", requireLogin(parts), async (c) => {
    const session = await parts.sessions.of(c);
    if (!session.has("user")) {
      // Still logged in, but the session was emptied (see /session_delete): the database knows.
      const user = parts.users.byId(session.subject ?? "");
      if (!user) {
        await session.logout();
        return seeOther(c, "/login");
      }
      greet(session, user);
    }
    const content = userView({
      owner: session.subject ?? "",
      name: session.get("user") ?? "",
      note: session.get("note") ?? "",
      colour: session.get("colour") ?? "green",
      permanent: session.permanent,
      expiresAt: session.expiresAt,
    });
    return page(c, parts, { title: "Your page", content });
  });

  app.post("/user", async (c) => {
    const form = await readForm(c);
    // Browsers send line breaks as CR LF and count them as one character (HTML, textarea's maxlength).
    const note = form.text("note").replaceAll("\r\n", "\n");
    const colour = form.text("colour");
    const session = await parts.sessions.of(c);
    if (!session.loggedIn) {
      if (note === "") return toLogin(c);
      // What somebody wrote is not thrown away because they stayed away too long.
      const content = loggedOutView({ owner: form.text(OWNER_FIELD), note, colour });
      return page(c, parts, { title: "Not saved", status: 403, content });
    }
    if (!isFor(form, session)) {
      const anew = noteForm({ owner: session.subject ?? "", note, colour });
      return refuseForm(c, parts, { form, session, anew });
    }
    if (note.length > MAX_NOTE_CHARACTERS || !isColour(colour)) {
      tell(
        session,
        `Not saved: a note has at most ${MAX_NOTE_CHARACTERS} characters, and the colour is one of those shown.`,
        "error",
      );
      return seeOther(c, "/user");
    }
    parts.users.saveProfile(session.subject ?? "", note, colour);
    session.set("note", note);
    session.set("colour", colour);
    tell(session, "Saved. It is in the database, and comes back whenever you log in.", "success");
    return seeOther(c, "/user");
  });

  return app;
}

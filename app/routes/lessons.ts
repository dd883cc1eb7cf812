import { Hono } from "hono";
import { readForm } from "../form.ts";
import { page, seeKept, seeOther, tell } from "../page.ts";
import type { Parts } from "../parts.ts";
import { counterView, flashView } from "../views/lessons.ts";
import { sessionDeleteView, sessionGetView, sessionSetView } from "../views/session.ts";

/** `/session_set`, `/session_get`, `/session_delete`, `/counter` and `/flash`: a session, piece by piece. */
export function lessonRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/session_set", (c) => page(c, parts, { title: "session.set", content: sessionSetView() }));
  app.post("/session_set", async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    const name = form.text("name").slice(0, 200);
    session.set("name", name);
    session.set("message", form.text("message").slice(0, 1_000));
    tell(session, `The session now holds the name ${name} and a message.`, "success");
    return seeKept(c, parts, session, "/session_get");
  });

  app.get("/session_get", async (c) => {
    const session = await parts.sessions.of(c);
    const content = sessionGetView({ name: session.get("name"), message: session.get("message") });
    return page(c, parts, { title: "session.get", content });
  });

  app.get("/session_delete", async (c) => {
    const session = await parts.sessions.of(c);
    const content = sessionDeleteView({ hasName: session.has("name"), keys: session.keys() });
    return page(c, parts, { title: "session.delete", content });
  });
  app.post("/session_delete", async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    const isName = form.text("what") === "name";
    // Whoever has no session gets none for being told that there is nothing to take out of it.
    if (session.id === undefined) return seeOther(c, `/session_get?notice=${isName ? "no-name" : "empty"}`);
    if (isName) {
      tell(
        session,
        session.has("name")
          ? "The name is removed; the rest is still there."
          : "There was no name to remove.",
        "success",
      );
      session.delete("name");
      return seeOther(c, "/session_get");
    }
    session.clear();
    tell(session, "The session is cleared: it holds nothing now.", "success");
    return seeOther(c, "/session_get");
  });

  app.get("/counter", async (c) => {
    const session = await parts.sessions.of(c);
    return page(c, parts, { title: "session.update", content: counterView(session.get("counter") ?? 0) });
  });
  app.post("/counter", async (c) => {
    const session = await parts.sessions.of(c);
    await session.update("counter", (count) => (count ?? 0) + 1);
    return seeKept(c, parts, session, "/counter");
  });

  app.get("/flash", (c) => page(c, parts, { title: "Messages", content: flashView() }));
  app.post("/flash", async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    tell(session, "First: this went well.", "success");
    tell(session, "Second: this is good to know.", "info");
    tell(session, "Third: careful with this.", "warning");
    tell(session, "Fourth: this went wrong.", "error");
    const own = form.text("message").slice(0, 200);
    if (own !== "") tell(session, `And yours: ${own}`, "message");
    // Two redirects: messages wait until a page shows them, however long the way there is.
    return seeKept(c, parts, session, "/flash/on");
  });
  app.get("/flash/on", (c) => seeOther(c, `/flash${new URL(c.req.url).search}`));

  return app;
}

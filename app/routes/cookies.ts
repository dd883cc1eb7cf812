import { Hono } from "hono";
import { readForm } from "../form.ts";
import { page, seeKept, seeOther, tell } from "../page.ts";
import type { Parts } from "../parts.ts";
import { cookiesDeleteView, cookiesGetView, cookiesSetView } from "../views/cookies.ts";

/** The three cookies of the lesson: the same kind of value, differently protected. */
const COOKIES = { plain: "plain", signed: "signed", sealed: "sealed" } as const;

const KEPT_FOR = { days: 7 };

/** `/cookie_set`, `/cookies_get`, `/cookies_delete`: cookies beside the session. */
export function cookieRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/cookie_set", (c) => page(c, parts, { title: "cookies.set", content: cookiesSetView() }));
  app.post("/cookie_set", async (c) => {
    const form = await readForm(c);
    const cookies = parts.sessions.cookies(c);
    const value = form.text("value").slice(0, 100) || "chocolate";
    cookies.set(COOKIES.plain, value, { maxAge: KEPT_FOR });
    cookies.signed.set(COOKIES.signed, value, { maxAge: KEPT_FOR });
    cookies.sealed.set(COOKIES.sealed, value, { maxAge: KEPT_FOR });
    const session = await parts.sessions.of(c);
    tell(session, "Three cookies are set: plain, signed and sealed.", "success");
    return seeKept(c, parts, session, "/cookies_get");
  });

  app.get("/cookies_get", (c) => {
    const cookies = parts.sessions.cookies(c);
    const content = cookiesGetView([
      { kind: "plain", name: COOKIES.plain, value: cookies.get(COOKIES.plain), refused: false },
      {
        kind: "signed",
        name: COOKIES.signed,
        value: cookies.signed.get(COOKIES.signed),
        refused: cookies.signed.invalid(COOKIES.signed),
      },
      {
        kind: "sealed",
        name: COOKIES.sealed,
        value: cookies.sealed.get(COOKIES.sealed),
        refused: cookies.sealed.invalid(COOKIES.sealed),
      },
    ]);
    return page(c, parts, { title: "cookies.get", content });
  });

  app.get("/cookies_delete", (c) =>
    page(c, parts, { title: "cookies.delete", content: cookiesDeleteView() }),
  );
  app.post("/cookies_delete", async (c) => {
    const cookies = parts.sessions.cookies(c);
    for (const name of Object.values(COOKIES)) cookies.delete(name);
    const session = await parts.sessions.of(c);
    if (session.id === undefined) return seeOther(c, "/cookies_get?notice=cookies-deleted");
    tell(session, "The three cookies are gone from your browser.", "success");
    return seeOther(c, "/cookies_get");
  });

  return app;
}

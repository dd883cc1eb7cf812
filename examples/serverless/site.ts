import { createSessions } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { upstashStore } from "coatcheck/upstash";

// Between two requests it holds nothing open.
const sessions = createSessions<{ visits: number }>({
  secret: process.env.SESSION_SECRET,
  store: upstashStore({
    url: process.env.UPSTASH_REDIS_REST_URL,
    token: process.env.UPSTASH_REDIS_REST_TOKEN,
  }),
});

/** The whole site. */
export const site = fetchSessions(sessions, async (request) => {
  const { pathname } = new URL(request.url);
  const session = await sessions.of(request);
  if (request.method === "POST") {
    if (pathname === "/login") {
      const form = await request.formData();
      await session.login(String(form.get("name"))); // check a password here
      session.flash("You are logged in.");
      sessions.cookies(request).set("theme", "dark");
    }
    if (pathname === "/logout") await session.logout();
    if (pathname === "/logout-everywhere" && session.subject !== undefined)
      await sessions.revokeAll(session.subject);
    if (pathname === "/fail") {
      session.set("visits", 1000);
      throw new Error("this page fails");
    }
    return new Response(null, { status: 303, headers: { location: "/" } });
  }
  session.set("visits", (session.get("visits") ?? 0) + 1);
  const messages = await session.takeFlashes();
  const texts = messages.map(({ message }) => ` ${message}`);
  return new Response(
    `Hello, ${session.subject ?? "stranger"}! Visit ${session.get("visits")}.${texts.join("")}`,
  );
});

// Routes of the Nitro site that only the tests ask for: /test/<name>.

// Types are looked at in the repository, where Nitro is not.
// @ts-nocheck
// oxlint-disable import/no-default-export
import { defineHandler, fetchWithEvent, getQuery, getRouterParam, HTTPError } from "nitro/h3";
import { defineCachedHandler } from "nitro/runtime";
import { sessions } from "../../utils/sessions.ts";

let late = "nothing yet";

const post = { method: "POST" };
const nameOf = async (response) => (await response.json()).name ?? "stranger";

const handlers = {
  // Ways to fail.
  async throws(event) {
    (await sessions.of(event)).set("note", "lost");
    throw new Error("An error of the handler.");
  },
  async returns(event) {
    (await sessions.of(event)).set("note", "lost");
    return new HTTPError({ status: 409, message: "Returned." });
  },
  async "status-500"(event) {
    (await sessions.of(event)).set("note", "lost");
    event.res.status = 500;
    return "failed";
  },
  async "inner-fails"(event) {
    (await sessions.of(event)).set("note", "lost with it");
    const { status } = await fetchWithEvent(event, "/test/refuse", post);
    return { status };
  },

  // What inner requests do.
  async inner(event) {
    const { set, path, value } = getQuery(event);
    if (set) (await sessions.of(event)).set("note", set);
    const inner = await fetchWithEvent(event, `/test/${path}?value=${value}`, post);
    const { name, note } = await (await fetchWithEvent(event, "/api/me")).json();
    const messages = path === "login" ? await (await sessions.of(event)).takeFlashes() : [];
    return `Inner: ${inner.status} Hello, ${name ?? "stranger"}! Note: ${note} ${messages[0]?.message}`;
  },
  async note(event) {
    (await sessions.of(event)).set("note", String(getQuery(event).value));
    return "noted";
  },
  async cookie(event) {
    sessions.cookies(event).set("theme", "dark");
    return "set";
  },
  async login(event) {
    await (await sessions.of(event)).login("ana");
    (await sessions.of(event)).flash("From inside.");
    return "in";
  },
  async refuse(event) {
    (await sessions.of(event)).set("note", "lost");
    throw new HTTPError({ status: 422, message: "Refused." });
  },
  async missing(event) {
    await sessions.of(event);
    throw new HTTPError({ status: 404, message: "There is none." });
  },

  // Who an inner request is.
  who: async (event) => nameOf(await fetchWithEvent(event, "/api/me")),
  "who-plain": async () => nameOf(await fetch("/api/me")),
  async "who-forwarded"(event) {
    (await sessions.of(event)).set("note", "not stored yet");
    const { name, note } = await (await fetch("/api/me", { headers: event.req.headers })).json();
    return `${name}: ${note}`;
  },
  async "who-other"(event) {
    const headers = { cookie: event.req.headers.get("x-other") };
    return (await (await fetchWithEvent(event, "/api/me", { headers })).json()).note;
  },
  async "plain-note"() {
    const response = await fetch("/test/note?value=orphan", post);
    return { cookies: response.headers.getSetCookie().length };
  },
  async "over-network"(event) {
    const cookie = event.req.headers.get("cookie");
    const url = `http://${event.req.headers.get("host")}/test/note?value=network`;
    const response = await fetch(url, { ...post, headers: cookie ? { cookie } : {} });
    return { cookies: response.headers.getSetCookie().length };
  },

  // Cached for everybody.
  "cached-current": defineCachedHandler(async () => (await sessions.current()).subject ?? "stranger", {
    name: "current",
    maxAge: 60,
  }),
  "cached-of": defineCachedHandler(async (event) => (await sessions.of(event)).subject ?? "stranger", {
    name: "of",
    maxAge: 60,
  }),
  async "after-look"(event) {
    await sessions.of(event);
    return handlers["cached-current"](event);
  },

  // A stream, and a write after its first byte.
  async stream(event) {
    const session = await sessions.of(event);
    session.set("note", "in time");
    const encoder = new TextEncoder();
    return new ReadableStream(
      {
        pull(controller) {
          controller.enqueue(encoder.encode("first "));
          try {
            session.set("note", "late");
            late = "no error";
          } catch (error) {
            late = error.code;
          }
          controller.enqueue(encoder.encode("last"));
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  },
  late: () => late,
};

export default defineHandler((event) => handlers[getRouterParam(event, "name")]?.(event));

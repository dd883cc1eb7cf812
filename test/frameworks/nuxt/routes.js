// Routes of the Nuxt site that only the tests ask for: /test/<name>.

// Types are looked at in the repository, where Nuxt is not.
// @ts-nocheck
// oxlint-disable import/no-default-export
import { readdirSync, readlinkSync } from "node:fs";
import { Readable } from "node:stream";

let late = "nothing yet";

const handlers = {
  // Ways to fail.
  async throws(event) {
    (await sessions.of(event)).set("note", "lost");
    throw new Error("An error of the handler.");
  },
  async returns(event) {
    (await sessions.of(event)).set("note", "lost");
    return createError({ statusCode: 409, message: "Returned." });
  },
  async "status-500"(event) {
    (await sessions.of(event)).set("note", "lost");
    setResponseStatus(event, 500);
    return "failed";
  },
  async "inner-fails"(event) {
    (await sessions.of(event)).set("note", "lost with it");
    const status = await event.$fetch("/test/refuse", { method: "POST" }).catch(({ status: own }) => own);
    return { status };
  },

  // What inner requests do.
  async before(event) {
    const { set } = getQuery(event);
    if (set) (await sessions.of(event)).set("note", String(set));
    return "";
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
    throw createError({ statusCode: 422, message: "Refused." });
  },
  async missing(event) {
    await sessions.of(event);
    throw createError({ statusCode: 404, message: "There is none." });
  },
  "not-found": () => createError({ statusCode: 404 }),

  // Who an inner request is.
  async who(event) {
    const { name } = await event.$fetch("/api/me");
    return name ?? "stranger";
  },
  async "who-plain"() {
    const { name } = await $fetch("/api/me");
    return name ?? "stranger";
  },
  async "who-forwarded"(event) {
    (await sessions.of(event)).set("note", "not stored yet");
    const { name, note } = await $fetch("/api/me", { headers: { cookie: getHeader(event, "cookie") } });
    return `${name}: ${note}`;
  },
  async "who-other"(event) {
    const { note } = await event.$fetch("/api/me", { headers: { cookie: getHeader(event, "x-other") } });
    return note;
  },
  async "plain-note"() {
    const response = await $fetch.raw("/test/note?value=orphan", { method: "POST" });
    return { cookies: response.headers.getSetCookie().length };
  },
  async "over-network"(event) {
    const { cookie, host } = getHeaders(event);
    const url = `http://${host}/test/note?value=network`;
    const response = await fetch(url, { method: "POST", headers: cookie ? { cookie } : {} });
    return { cookies: response.headers.getSetCookie().length };
  },

  // Cached for everybody.
  "cached-current": defineCachedEventHandler(async () => (await sessions.current()).subject ?? "stranger", {
    name: "current",
    maxAge: 60,
  }),
  "cached-of": defineCachedEventHandler(async (event) => (await sessions.of(event)).subject ?? "stranger", {
    name: "of",
    maxAge: 60,
  }),
  "cached-inner": defineCachedEventHandler(
    async (event) => (await event.$fetch("/api/me")).name ?? "stranger",
    {
      name: "inner",
      maxAge: 60,
    },
  ),
  async "after-look"(event) {
    await sessions.of(event);
    return handlers["cached-current"](event);
  },

  // A stream, and a write after its first byte.
  async stream(event) {
    const session = await sessions.of(event);
    session.set("note", "in time");
    const text = async function* () {
      yield "first ";
      try {
        session.set("note", "late");
        late = "no error";
      } catch (error) {
        late = error.code;
      }
      yield "last";
    };
    return sendStream(event, Readable.from(text()));
  },
  "web-stream"(event) {
    return handlers.streamed(event);
  },
  async streamed(event) {
    (await sessions.of(event)).set("note", "in a response");
    const chunks = ["a", "b", "c"].map((text) => new TextEncoder().encode(text));
    return new Response(ReadableStream.from(chunks), { headers: { "x-own": "yes" } });
  },
  late: () => late,

  // Files of the session store that the process has open.
  files: () =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).endsWith("sessions.db");
      } catch {
        return false;
      }
    }).length,
};

export default defineEventHandler((event) => handlers[getRouterParam(event, "name")]?.(event));

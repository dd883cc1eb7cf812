import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import type { StoreProbe } from "coatcheck/testing";
import { broken } from "../support/store-calls.ts";
import { testSite } from "./test-site.ts";
import type { TestSite } from "./test-site.ts";
import { Visitor } from "./visitor.ts";
import type { Answer } from "./visitor.ts";

/** A browser that keeps no cookie. */
class NoJar extends Map<string, { value: string; ends: boolean }> {
  override set(): this {
    return this;
  }
}

type Stage = { site: TestSite; probe: StoreProbe };

/** How a visitor comes: what the header has to say to them, what the login page has to, and what `/inside` shows. */
type State = {
  name: string;
  visitor: (stage: Stage) => Promise<Visitor>;
  header: "leo" | "Log in";
  notice?: RegExp;
  inside: RegExp;
};

const setTicket = (visitor: Visitor, value: string): void => {
  visitor.jar.set("__Host-Http-session", { value, ends: true });
};

async function loggedIn({ site }: Stage): Promise<Visitor> {
  const leo = site.visitor();
  await leo.login();
  await leo.get("/");
  return leo;
}

const ended = /^Your session has ended: you logged out, stayed away too long/;

const STATES: State[] = [
  {
    name: "who has never been here",
    visitor: async ({ site }) => site.visitor(),
    header: "Log in",
    inside: /No ticket yet/,
  },
  { name: "who is logged in", visitor: loggedIn, header: "leo", inside: /<code>note<\/code>/ },
  {
    name: "who is logged in and has emptied the session",
    visitor: async (stage) => {
      const leo = await loggedIn(stage);
      await leo.submit("/session_delete", { what: "everything" });
      return leo;
    },
    header: "leo",
    inside: /Nothing yet\./,
  },
  {
    name: "who has a session and is not logged in",
    visitor: async ({ site }) => {
      const visitor = site.visitor();
      await visitor.submit("/counter");
      return visitor;
    },
    header: "Log in",
    inside: /nobody is logged in/,
  },
  {
    name: "who stayed away too long",
    visitor: async (stage) => {
      const leo = await loggedIn(stage);
      stage.site.later({ hours: 2 });
      return leo;
    },
    header: "Log in",
    notice: ended,
    inside: /opens nothing/,
  },
  {
    name: "whose session was just ended elsewhere",
    visitor: async (stage) => {
      const leo = await loggedIn(stage);
      await stage.site.site.sessions.revokeAll(stage.site.site.users.byName("leo")?.id ?? "");
      return leo;
    },
    header: "Log in",
    notice: ended,
    inside: /opens nothing/,
  },
  {
    name: "whose ticket was edited",
    visitor: async (stage) => {
      const leo = await loggedIn(stage);
      setTicket(leo, `${leo.ticket?.slice(0, -1)}~`);
      return leo;
    },
    header: "Log in",
    notice: /ticket is not valid/,
    inside: /opens nothing/,
  },
  {
    name: "whose browser keeps no cookies",
    visitor: async ({ site }) => {
      const visitor = new Visitor(site, undefined, new NoJar());
      await visitor.login();
      return visitor;
    },
    header: "Log in",
    inside: /No ticket yet/,
  },
];

const CLOSED = new Set(["/user", "/devices", "/password", "/account", "/confirm"]);

/** Each page, and its heading. */
const PAGES = [
  ["/", "The visitor carries a ticket. The server keeps the coat."],
  ["/user", "Hello, leo!"],
  ["/devices", "Devices"],
  ["/password", "Change your password"],
  ["/account", "Your data"],
  ["/confirm", "Is it still you?"],
  ["/logout", "Log out?"],
  ["/login", "Log in"],
  ["/signup", "Sign up"],
  ["/inside", "Inside the session"],
  ["/session_set", "Put something in"],
  ["/session_get", "Take a look"],
  ["/session_delete", "Take it out"],
  ["/counter", "Count without losing one"],
  ["/flash", "Messages, shown once"],
  ["/cookie_set", "Set three cookies"],
  ["/cookies_get", "What came back"],
  ["/cookies_delete", "Delete them"],
  ["/lessons/flask", "Coming from Flask"],
  ["/nowhere", "No such page"],
] as const;

/** What the header says: a name, "Log in", or neither. */
function headerOf(body: string): string {
  const nav = /<nav aria-label="Account">([^]*?)<\/nav>/.exec(body)?.[1] ?? "";
  const account = nav.replace(/<li class="docs">[^]*?<\/li>/, "");
  const name = /Logged in as <\/span>\s*<span class="who-name">([^<]*)</.exec(account)?.[1];
  if (name !== undefined) {
    assert.match(account, /Log out/);
    assert.doesNotMatch(account, /Log in\b|Sign up/);
    return name;
  }
  assert.doesNotMatch(account, /Log out/);
  return account.includes(">Log in<") ? "Log in" : account.replace(/<[^>]*>/g, "").trim();
}

const text = (html: string | undefined): string =>
  (html ?? "")
    .replace(/<[^>]*>/g, "")
    .replace(/\s+/g, " ")
    .trim();
const headingOf = (body: string): string => text(/<h1>([^]*?)<\/h1>/.exec(body)?.[1]);
const noticeOf = (body: string): string =>
  text(/id="notice"[^]*?class="text">([^]*?)<\/span>\s*<\/p>/.exec(body)?.[1]);

/** What a page says of what was done, as a message or as a notice. */
function toldOn({ messages, body }: Answer): string[] {
  const told = [...messages.map((message) => message.text), noticeOf(body)].filter((words) => words !== "");
  return told.map((words) => words.replaceAll("&#39;", "'"));
}

for (const state of STATES) {
  test(`every page says what is to somebody ${state.name}`, async (t) => {
    const probe = probeStore(memoryStore());
    const stage = { site: await testSite(t, { store: probe.store }), probe };
    for (const [path, heading] of PAGES) {
      const visitor = await state.visitor(stage);
      const isHere = state.header === "leo";
      const page = await visitor.open(path);
      assert.equal(headerOf(page.body), state.header, path);
      const isClosed = CLOSED.has(path);
      let expected: string = heading;
      if (!isHere && (isClosed || path === "/logout")) expected = "Log in";
      if (isHere && (path === "/login" || path === "/signup")) expected = "Hello, leo!";
      assert.equal(headingOf(page.body), expected, path);
      assert.deepEqual(
        page.messages.map((message) => message.text),
        !isHere && isClosed ? [`Please log in to see ${path}.`] : [],
        path,
      );
      assert.match(noticeOf(page.body), expected === "Log in" ? (state.notice ?? /^$/) : /^$/, path);
      if (path === "/inside") assert.match(page.body, state.inside);
    }
    assert.deepEqual(stage.site.reported, []);
  });

  test(`no page claims anything to somebody ${state.name} while the store is down`, async (t) => {
    const probe = probeStore(memoryStore());
    const stage = { site: await testSite(t, { store: probe.store }), probe };
    const visitor = await state.visitor(stage);
    probe.around = broken;
    for (const [path] of PAGES) {
      const page = await visitor.open(path);
      // Who brings no ticket, or one that cannot be one of ours, is nobody: there is nothing to ask the store.
      if (page.status === 200 || page.status === 404) {
        assert.equal(headerOf(page.body), "Log in", path);
        assert.ok(
          ["who has never been here", "whose ticket was edited", "whose browser keeps no cookies"].includes(
            state.name,
          ),
        );
      } else {
        assert.equal(page.status, 503, path);
        assert.equal(headerOf(page.body), "Your page", path);
        assert.match(page.body, /You have not been logged out/);
      }
      assert.deepEqual(page.headers.getSetCookie(), []);
    }
  });
}

test("a form is answered with what was done: kept, or not and why", async (t) => {
  const cookieRefused = /^Nothing was kept: your browser did not keep the session's cookie/;
  for (const [name, kept] of [
    ["who has never been here", /./],
    ["who is logged in and has emptied the session", /./],
    ["who stayed away too long", /./],
    ["whose ticket was edited", /./],
    ["whose session was just ended elsewhere", /^Nothing was kept: your session had just ended/],
    ["whose browser keeps no cookies", cookieRefused],
  ] as const) {
    const state = STATES.find((one) => one.name === name);
    assert.ok(state);
    const probe = probeStore(memoryStore());
    const stage = { site: await testSite(t, { store: probe.store }), probe };
    for (const [path, fields] of [
      ["/session_set", { name: "Ada", message: "hi" }],
      ["/counter", {}],
      ["/flash", {}],
      ["/cookie_set", { value: "x" }],
    ] as const) {
      const visitor = await state.visitor(stage);
      const page = await visitor.submit(path, fields);
      const messages = toldOn(page);
      if (path === "/counter" && kept.source === ".") {
        assert.match(page.body, /id="count">1</, `${path}, ${name}`);
        assert.deepEqual(messages, []);
      } else {
        assert.match(messages[0] ?? "", kept, `${path}, ${name}`);
        assert.doesNotMatch(
          kept.source === "." ? messages.join() : "",
          /Nothing was kept/,
          `${path}, ${name}`,
        );
      }
      assert.equal(headerOf(page.body), state.header);
    }
  }
});

test("a login says what became of it, whatever the browser brought", async (t) => {
  for (const state of STATES) {
    const probe = probeStore(memoryStore());
    const stage = { site: await testSite(t, { store: probe.store }), probe };
    const visitor = await state.visitor(stage);
    const isBlocked = visitor.jar instanceof NoJar;
    const failed = await visitor.submit("/login", { name: "leo", password: "wrong" });
    assert.match(failed.messages.at(-1)?.text ?? "", /^Login failed/, state.name);
    const answer = await visitor.login();
    const page = await visitor.get(answer.location ?? "", { Referer: `${stage.site.url}/login` });
    const end = page.location === undefined ? page : await visitor.open(page.location);
    if (isBlocked) assert.match(noticeOf(end.body), /did not keep the session&#39;s cookie/);
    else assert.deepEqual(end.messages, [{ category: "success", text: "Login successful." }], state.name);
    assert.equal(headerOf(end.body), isBlocked ? "Log in" : "leo");
  }
});

test("pages that know nothing of the visitor do not say that nobody is logged in", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  for (const [what, page] of [
    [
      "another site's form",
      await leo.post("/logout", {}, { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }),
    ],
    ["a form in the wrong shape", await leo.post("/user", {}, { "Content-Type": "text/plain" })],
    ["a form that is too long", await leo.post("/user", { note: "x".repeat(20_000) })],
    ["a file that is not there", await leo.get("/static/nope.css")],
  ] as const) {
    assert.ok(page.status >= 400 && page.status < 500, what);
    assert.equal(headerOf(page.body), "Your page", what);
    assert.notEqual(headingOf(page.body), "", what);
  }
  const wrong = await leo.post("/inside");
  assert.equal(wrong.status, 405);
  assert.equal(headerOf(wrong.body), "leo");
  assert.equal(headingOf(wrong.body), "Not like this");
});

test("goodbye has a name, also after the session was emptied", async (t) => {
  const probe = probeStore(memoryStore());
  const leo = await loggedIn({ site: await testSite(t, { store: probe.store }), probe });
  await leo.submit("/session_delete", { what: "everything" });
  const page = await leo.submit("/logout");
  assert.deepEqual(page.messages, [{ category: "success", text: "Goodbye, leo! You are logged out." }]);
});

test("a picture that does not exist does not use up the messages", async (t) => {
  const visitor = (await testSite(t)).visitor();
  await visitor.post("/flash");
  await visitor.get("/apple-touch-icon.png", { "Sec-Fetch-Dest": "image" });
  assert.equal((await visitor.get("/")).messages.length, 4);
});

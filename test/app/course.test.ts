import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import { COURSE } from "../../app/course.ts";
import { PAIRS } from "../../app/views/lessons-flask.ts";
import { openWorkshop } from "../docs/workshop.ts";
import { broken } from "../support/store-calls.ts";
import { testSite } from "./test-site.ts";

test("the lessons are numbered, the login first, and each leads to the one before and after", async (t) => {
  const leo = (await testSite(t)).visitor();
  assert.equal(COURSE[0]?.path, "/login");
  await leo.login();
  for (const [at, lesson] of COURSE.entries()) {
    for (const path of [lesson.path, ...lesson.also]) {
      const { body } = await leo.open(path);
      const current = /<a href="[^"]*" aria-current="page"\s*><span class="number">(\d+)</.exec(body)?.[1];
      assert.equal(current, `${at + 1}`, path);
      const neighbour = (rel: string) => new RegExp(`href="([^"]*)" rel="${rel}"`).exec(body)?.[1];
      assert.equal(neighbour("prev"), COURSE[at - 1]?.path, path);
      assert.equal(neighbour("next"), COURSE[at + 1]?.path ?? "/docs/", path);
    }
  }
  assert.doesNotMatch((await leo.get("/")).body, /rel="next"/);
});

test("the addresses of the tutorials that change something say why they are forms here", async (t) => {
  const visitor = (await testSite(t)).visitor();
  await visitor.login();
  for (const path of ["/session_set", "/session_delete", "/cookie_set", "/cookies_delete", "/logout"]) {
    const { body } = await visitor.get(path);
    assert.match(body, /<summary>Why a button, and not just this address\?<\/summary>/, path);
    assert.ok(body.includes(`<form method="post" action="${path}"`), path);
  }
  assert.match((await visitor.get("/session_get")).body, /Reading is what a <code>GET<\/code> is for/);
});

test("code can be scrolled by keyboard, and has a name", async (t) => {
  const visitor = (await testSite(t)).visitor();
  await visitor.login();
  for (const path of ["/user", "/session_set", "/counter", "/flash", "/cookie_set", "/devices", "/logout"])
    assert.match(
      (await visitor.get(path)).body,
      /<pre tabindex="0" role="region" aria-label="The code">/,
      path,
    );
});

test("both columns of /lessons/flask are programs", async (t) => {
  const page = (await (await testSite(t)).visitor().get("/lessons/flask")).body;
  assert.equal(page.match(/<section class="pair">/g)?.length, PAIRS.length);
  const given = [
    'import { Hono } from "hono"; import type { Context } from "hono";',
    'import { createSessions } from "coatcheck"; import type { Session, Cookies } from "coatcheck";',
    'import { honoSessions, requireLogin } from "coatcheck/hono"; import { sqliteStore } from "coatcheck/sqlite";',
    "type Data = { user: string; note: string; name: string; message: string; counter: number; cart: string[] };",
    "type Given = { c: Context; session: Session<Data>; cookies: Cookies; form: URLSearchParams; id: string; name: string;",
    '  user: { id: string; name: string }; users: { byName(name: string): Promise<{ note: string }> }; secret: string; store: "memory" };',
  ].join("\n");
  const rows = PAIRS.map(({ ours }, at) =>
    [
      `export async function row${at}({ c, session, cookies, form, id, name, user, users, secret }: Given): Promise<unknown> {`,
      '  const app = new Hono(); const store = sqliteStore({ path: "x.db" });',
      "  const hello = (to: string | undefined): string => `${to}`; const show = (...words: string[]): string[] => words;",
      "  const userPage = (where: Context): Response => where.text(hello(name));",
      ours.includes("const sessions =")
        ? ""
        : "  const sessions = createSessions<Data>({ secret, store }); app.use(honoSessions(sessions));",
      `  {\n${ours}\n  }`,
      "  return [c, session, cookies, form, id, user, users, hello, show, userPage];",
      "}",
    ].join("\n"),
  );
  const workshop = openWorkshop(new Map([["flask.md", `\`\`\`ts\n${given}\n${rows.join("\n")}\n\`\`\`\n`]]));
  t.after(() => workshop.close());
  assert.equal(await workshop.compile(), "");

  const source = PAIRS.map(({ flask }) => `def row():\n${flask.replaceAll(/^/gm, "    ")}\n    pass\n`).join(
    "\n",
  );
  const python = spawnSync("python3", ["-c", "import ast, sys; ast.parse(sys.stdin.read())"], {
    input: source,
    encoding: "utf8",
  });
  if (python.error) t.diagnostic("Python is not installed here, so Flask's column was not parsed.");
  else assert.equal(python.stderr, "");
});

test("a 503 offers to try again: the same page, or the form", async (t) => {
  const probe = probeStore(memoryStore());
  const leo = (await testSite(t, { store: probe.store })).visitor();
  await leo.login();
  probe.around = broken;
  const read = await leo.get("/devices?sort=1");
  assert.equal(read.status, 503);
  assert.match(read.body, /<a href="\/devices\?sort=1" class="button">Try again<\/a>/);
  const sent = await leo.post("/user", { note: "mine", colour: "rose" });
  assert.equal(sent.status, 503);
  assert.match(sent.body, /<a href="\/user" class="button">Back to the form<\/a>/);
  assert.doesNotMatch(sent.body, />Try again</);
  const { body } = await leo.get("/x/..//evil.example/user");
  assert.doesNotMatch(body, /href="[^"]*evil/);
});

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dataFolder, start } from "../app/program.ts";
import { Visitor } from "../app/visitor.ts";
import type { Answer } from "../app/visitor.ts";
import { fleetStores } from "./stores.ts";

// Four processes, each on a port of its own, so that the test and not chance says which one answers.

const nodeCount = 4;

/** What the nodes answer when each is asked that many times, all at once. */
async function fromAll(
  browser: Visitor,
  nodes: readonly string[],
  times: number,
  ask: (browser: Visitor) => Promise<Answer>,
): Promise<Answer[]> {
  const requests = Array.from({ length: times }, () => nodes.map(async (url) => ask(browser.at(url))));
  return Promise.all(requests.flat());
}

/** How often each status came, as `{ 303: 200 }`. */
function statuses(answers: readonly Answer[]): Record<number, number> {
  const count: Record<number, number> = {};
  for (const { status } of answers) count[status] = (count[status] ?? 0) + 1;
  return count;
}

const counted = ({ body }: Answer): string | undefined => /id="count">(\d+)</.exec(body)?.[1];

for (const { name, skip, setting } of fleetStores) {
  test(`four processes on one ${name}`, { skip }, async (t) => {
    const folder = dataFolder(t);
    const env = { DATA_DIR: folder, STORE: await setting(folder) };
    const programs = await Promise.all(Array.from({ length: nodeCount }, async () => start(t, env)));
    const nodes = programs.map(({ address, printed }) => {
      assert.ok(address, printed());
      return address;
    });
    const browser = (): Visitor => new Visitor({ url: nodes[0]! });
    const seenBy = async (visitor: Visitor) =>
      statuses(await fromAll(visitor, nodes, 1, (at) => at.get("/user")));

    assert.ok(!existsSync(join(folder, "sessions.db")), "sessions are kept where STORE does not say");

    await t.test("a login on one is seen by all, and so is the logout", async () => {
      for (const [at, url] of nodes.entries()) {
        const visitor = browser();
        await visitor.at(url).login();
        const ticket = visitor.jar.get("__Host-Http-session")!;
        assert.deepEqual(await seenBy(visitor), { 200: nodeCount });
        await visitor.at(nodes[(at + 1) % nodeCount]!).post("/logout");
        visitor.jar.set("__Host-Http-session", ticket);
        assert.deepEqual(await seenBy(visitor), { 303: nodeCount }, "a ticket works after its logout");
      }
    });

    await t.test("200 increments at once give 200", async () => {
      const visitor = browser();
      await visitor.login();
      const answers = await fromAll(visitor, nodes, 50, (at) => at.post("/counter"));
      assert.deepEqual(statuses(answers), { 303: 200 });
      const counts = (await fromAll(visitor, nodes, 1, (at) => at.get("/counter"))).map(counted);
      assert.deepEqual(counts, ["200", "200", "200", "200"]);
    });

    await t.test("a message is shown to one of many readers at once", async () => {
      const visitor = browser();
      for (const [round, url] of nodes.entries()) {
        await visitor.at(url).post("/session_set", { name: `Ada ${round}`, message: "hi" });
        const pages = await fromAll(visitor, nodes, 5, (at) => at.get("/"));
        assert.deepEqual(statuses(pages), { 200: 20 });
        const texts = pages.flatMap(({ messages }) => messages.map(({ text }) => text));
        assert.deepEqual(texts, [`The session now holds the name Ada ${round} and a message.`]);
      }
    });

    await t.test("a browser that is logged out from another is out at once, on all", async () => {
      for (const url of nodes) {
        const [here, lost] = [browser(), browser()];
        await Promise.all([here.login(), lost.at(nodes[1]!).login()]);
        assert.deepEqual(await seenBy(lost), { 200: nodeCount });
        const { ticket } = lost;
        // Requests that are under way meanwhile must neither revive the session nor start another.
        const busy = fromAll(lost, nodes, 5, (at) => at.post("/counter"));
        assert.equal((await here.at(url).fill("/devices", { others: "yes" })).status, 303);
        const [now, late] = await Promise.all([seenBy(lost), busy]);
        assert.deepEqual(now, { 303: nodeCount });
        assert.deepEqual(statuses(late), { 303: 20 });
        assert.deepEqual(await seenBy(lost), { 303: nodeCount });
        assert.equal(lost.ticket, ticket, "a late response set a cookie");
        assert.deepEqual(await seenBy(here), { 200: nodeCount });
      }
    });

    await t.test("a cookie sealed by one is opened by all: they have one secret key", async () => {
      const visitor = browser();
      await visitor.post("/cookie_set", { value: "oat" });
      const pages = await fromAll(visitor, nodes, 1, (at) => at.get("/cookies_get"));
      const opened = pages.map(({ body }) => /id="cookie-sealed">([^]*?)<\/dd>/.exec(body)?.[1]);
      for (const text of opened) assert.match(text ?? "", /oat/);
    });
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions } from "coatcheck";
import { exchangesOf } from "coatcheck/adapter";
import { memoryStore } from "coatcheck/memory";

test("an adapter serves a sessions object that another copy of the package made", async () => {
  // A query makes Node load the file again, as bundlers make a copy for each bundle.
  const url = new URL("../../../src/sessions.ts?copy", import.meta.url).href;
  const copy = (await import(url)) as { createSessions: typeof createSessions };
  assert.notEqual(copy.createSessions, createSessions);
  const sessions = copy.createSessions({
    secret: "9f2JmQxW0cTq7LrYv5hNbKd8sGzE3uXpRa1oViMw4Ic",
    store: memoryStore(),
  });
  const request = { method: "GET", header: () => null };
  const exchange = exchangesOf(sessions).begin(request, [request]);
  await exchange.run(async () => (await sessions.of(request)).set("user", "leo"));
  const { headers } = await exchange.commit({ status: 200 });
  assert.equal(headers.setCookies.length, 1);
});

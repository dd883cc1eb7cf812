// A test as authors of apps write it. test/runtimes/test-runners.test.ts runs it in each test runner.

import { test } from "node:test";
import assert from "node:assert/strict";
import express from "express";
import request from "supertest";
import { createSessions, generateSecret } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { fetchSessions } from "coatcheck/fetch";
import { memoryStore } from "coatcheck/memory";
import { sendSecureCookies, sessionOf, signIn, testClock } from "coatcheck/testing";

const clock = testClock();
const secret = generateSecret();
const sessions = createSessions<{ cart: string[]; at: Date }>({ secret, store: memoryStore(), clock });

const app = express();
app.use(expressSessions(sessions));
app.get("/", async (req, res) => {
  const session = await sessions.of(req);
  res.send([session.subject ?? "nobody", ...(session.get("cart") ?? [])].join(" "));
});
app.post("/login", async (req, res) => {
  await (await sessions.of(req)).login("lea");
  res.send("");
});

test("a visitor who is signed in is known until the session expires", async () => {
  const leo = await signIn(sessions, "leo", { data: { cart: ["tea"], at: new Date(0) } });
  const agent = leo.into(request.agent(app));
  assert.equal((await agent.get("/")).text, "leo tea");
  assert.equal((await request(app).get("/").set("Cookie", leo.cookie)).text, "leo tea");
  const kept = await sessionOf(sessions, agent);
  assert.equal(kept?.subject, "leo");
  assert.equal(kept?.data.at?.getTime(), 0);
  clock.advance(30 * 24 * 60 * 60_000);
  assert.equal((await agent.get("/")).text, "nobody");
});

test("an agent that logs in itself stays logged in over plain http", async () => {
  const agent = sendSecureCookies(request.agent(app));
  const response = await agent.post("/login");
  assert.equal((await sessionOf(sessions, response))?.subject, "lea");
  assert.equal((await agent.get("/")).text, "lea");
});

test("a fetch handler gets the headers of a visitor", async () => {
  const handler = fetchSessions(sessions, async (own) => {
    return new Response((await sessions.of(own)).subject ?? "nobody");
  });
  const { headers } = await signIn(sessions, "leo");
  const page = await handler(new Request("http://localhost/", { headers }));
  assert.equal(await page.text(), "leo");
});

// `subject` binds a session to who is logged in, as its data says.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { StoreError } from "coatcheck";
import { collectEvents, typesOf } from "../support/events.ts";
import { DropIn } from "./app.ts";
import { dataOf } from "./contract-apps.ts";

function siteOf(t: TestContext): DropIn {
  return new DropIn(t, { subject: (data) => data.user });
}

test("setting who is logged in is a login: another ticket, all data stays, and list and revoke know the session", async (t) => {
  const site = siteOf(t);
  const events = collectEvents(t);
  await site.see(({ session }) => void Object.assign(session, { cart: ["hat"], list: [1] }));
  const stolen = site.jar.header ?? "";
  const id = await site.see(({ session }) => session.id);
  events.length = 0;
  const calls = await site.callsOf(() =>
    site.see(({ session }) => {
      session.user = 42;
      (session["list"] as number[]).push(2);
    }),
  );
  assert.deepEqual(calls, ["read", "patch"], "the login and the data are one patch");
  assert.deepEqual(typesOf(events), ["login"]);
  assert.notEqual(site.jar.header, stolen);
  const seen = await site.see(async (req) => [
    dataOf(req.session),
    (await site.core(req)).subject,
    req.session.id,
  ]);
  assert.deepEqual(seen, [{ cart: ["hat"], list: [1, 2], user: 42 }, "42", id]);
  const thief = await site.visit((req, res) => res.end(JSON.stringify(dataOf(req.session))), {
    cookie: stolen,
  });
  assert.equal(await thief.text(), "{}");
  assert.deepEqual(
    (await site.sessions.list("42")).map((info) => info.id),
    [id],
  );
  assert.equal(await site.sessions.revokeAll("42"), 1);
  assert.deepEqual(await site.see(({ session }) => dataOf(session)), {});
});

test("without a session before, it is one create", async (t) => {
  const site = siteOf(t);
  const calls = await site.callsOf(() =>
    site.see(({ session }) => void Object.assign(session, { user: "ana", n: 1 })),
  );
  assert.deepEqual(calls, ["create"]);
  assert.equal((await site.sessions.list("ana"))[0]?.agent, "node");
  assert.deepEqual(await site.see(({ session }) => dataOf(session)), { user: "ana", n: 1 });
});

test("removing who is logged in is a logout: the ticket is dead, the rest of the data stays with a new one", async (t) => {
  const site = siteOf(t);
  await site.see(({ session }) => void Object.assign(session, { user: "ana", theme: "dark" }));
  const before = site.jar.header ?? "";
  const events = collectEvents(t);
  await site.see(({ session }) => void delete session.user);
  assert.deepEqual(typesOf(events), ["logout"]);
  const seen = await site.see(async (req) => [dataOf(req.session), (await site.core(req)).loggedIn]);
  assert.deepEqual(seen, [{ theme: "dark" }, false]);
  assert.deepEqual(await site.sessions.list("ana"), []);
  const replayed = await site.visit((req, res) => res.end(JSON.stringify(dataOf(req.session))), {
    cookie: before,
  });
  assert.equal(await replayed.text(), "{}");
});

test("another user in the same session is a login of its own", async (t) => {
  const site = siteOf(t);
  await site.see(({ session }) => void Object.assign(session, { user: "admin", theme: "dark" }));
  const admin = site.jar.header;
  await site.see(({ session }) => void Object.assign(session, { user: "ana", actingFor: "admin" }));
  assert.notEqual(site.jar.header, admin);
  assert.deepEqual(await site.sessions.list("admin"), []);
  assert.equal((await site.sessions.list("ana")).length, 1);
  const data = await site.see(({ session }) => dataOf(session));
  assert.deepEqual(data, { user: "ana", theme: "dark", actingFor: "admin" });
});

test("a login of a handler that fails is not kept, unless it was saved", async (t) => {
  const site = siteOf(t);
  for (const saves of [false, true]) {
    const response = await site.visit(async (req, _res, next) => {
      req.session.user = "ana";
      if (saves) await req.session.save();
      next(new Error("meant to fail"));
    });
    assert.equal(response.status, 500);
    assert.equal((await site.sessions.list("ana")).length, saves ? 1 : 0);
  }
});

test("a logout that the store refuses is a 503, and no half of it", async (t) => {
  const site = siteOf(t);
  await site.see(({ session }) => void (session.user = "ana"));
  const { around } = site.probe;
  site.probe.around = async ({ operation }, run) => {
    if (operation === "patch")
      throw new StoreError("STORE_FAILED", "patch", "Meant to fail.", { transient: true });
    return run();
  };
  const response = await site.visit((req, res) => {
    delete req.session.user;
    res.end("Goodbye.");
  });
  assert.equal(response.status, 503);
  site.probe.around = around;
  assert.equal(await site.see(({ session }) => session.user), "ana");
  assert.equal((await site.sessions.list("ana")).length, 1);
});

test("a session that was logged out elsewhere is not brought back by a change, but a login begins another", async (t) => {
  const site = siteOf(t);
  const events = collectEvents(t);
  for (const user of ["ana", undefined, "ben"]) {
    await site.see(({ session }) => void Object.assign(session, { user: "ana", theme: "dark" }));
    await site.visit(async (req, res) => {
      assert.equal(req.session.user, "ana");
      await site.sessions.revokeAll("ana");
      events.length = 0;
      req.session["late"] = 1;
      if (user === undefined) delete req.session.user;
      else req.session.user = user;
      res.end();
    });
    assert.deepEqual(
      [...new Set(typesOf(events))],
      user === "ben" ? ["created", "login"] : ["write-dropped"],
    );
    assert.deepEqual(await site.sessions.list("ana"), []);
    assert.equal((await site.sessions.list("ben")).length, user === "ben" ? 1 : 0);
    const data = await site.see(({ session }) => dataOf(session));
    assert.deepEqual(data, user === "ben" ? { user: "ben", late: 1 } : {});
  }
  assert.deepEqual(site.errors, []);
});

test("login() of sessions.of(req) works beside it, and a change of other data does not touch it", async (t) => {
  const site = siteOf(t);
  await site.see(async (req) => (await site.core(req)).login("42"));
  await site.see(({ session }) => void (session["theme"] = "dark"));
  assert.equal(await site.see(async (req) => (await site.core(req)).subject), "42");
});

test("a subject that is an object is an error that says what to do", async (t) => {
  const site = siteOf(t);
  const response = await site.visit((req, res) => {
    Object.assign(req.session, { user: { id: 1, name: "Ana" } });
    res.end("page");
  });
  assert.equal(response.status, 500);
  assert.match(await response.text(), /^A subject must be a string/);
});

test("the lifetime of a permanent session stays across its login", async (t) => {
  const site = siteOf(t);
  await site.see(({ session }) => {
    session["theme"] = "dark";
    session.cookie.maxAge = 60_000;
  });
  await site.see(({ session }) => void (session.user = "ana"));
  assert.equal(await site.see(({ session }) => session.cookie.originalMaxAge), 60_000);
});

test("a request in progress when somebody logs in or out changes nothing any more", async (t) => {
  for (const user of ["ana", undefined]) {
    const site = siteOf(t);
    await site.see(({ session }) => void Object.assign(session, { user: "eve", theme: "dark" }));
    const before = site.jar.header ?? "";
    await site.visit(
      async (req, res) => {
        assert.equal(req.session["theme"], "dark");
        const other = await fetch(`http://${req.headers.host}/other`, { headers: { cookie: before } });
        site.jar.take(other);
        req.session["theme"] = "late";
        res.end();
      },
      {
        cookie: before,
        other: (req, res) => {
          Object.assign(req.session, { user });
          res.end();
        },
      },
    );
    const data = await site.see(({ session }) => dataOf(session));
    assert.deepEqual(data, user === undefined ? { theme: "dark" } : { user, theme: "dark" });
  }
});

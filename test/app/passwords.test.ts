import assert from "node:assert/strict";
import { test } from "node:test";
import { isTooLong, Passwords } from "../../app/passwords.ts";
import { nameProblem } from "../../app/names.ts";
import { testSite } from "./test-site.ts";

const CHEAP = { memoryKiB: 64, passes: 1 };

test("row 119: a password counts exactly as typed: every byte, every space, every form of a letter", async () => {
  const passwords = new Passwords(CHEAP);
  const long = "a".repeat(72);
  for (const [right, wrong] of [
    [`${long}b`, `${long}c`],
    ["abc\0def", "abc\0deg"],
    ["pass word ", "pass word"],
    ["Password", "password"],
    ["caf\u00e9", "cafe\u0301"],
  ] as const) {
    const stored = await passwords.hash(right);
    assert.equal(await passwords.matches(right, stored), true);
    assert.equal(await passwords.matches(wrong, stored), false);
  }
});

test("row 119: a stored hash says how it was made, and is made anew when the cost has changed", async (t) => {
  const dear = { memoryKiB: 128, passes: 2 };
  const site = await testSite(t, { hashCost: dear });
  const { users } = site.site;
  const leo = users.byName("leo");
  assert.ok(leo);
  assert.match(leo.passwordHash, /^\$argon2id\$v=19\$m=128,t=2,p=1\$/);
  const old = new Passwords(CHEAP);
  assert.ok(users.replacePassword(leo.id, leo.passwordHash, await old.hash("1234")));
  assert.equal((await site.visitor().login()).location, "/user");
  assert.match(users.byName("leo")?.passwordHash ?? "", /m=128,t=2/);
  assert.equal((await site.visitor().login()).location, "/user");
});

test("row 119: the hash agrees with what another implementation of argon2id makes", async () => {
  const passwords = new Passwords();
  // echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1, from the reference implementation's own tests.
  const known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  assert.equal(await passwords.matches("password", known), true);
  assert.equal(await passwords.matches("Password", known), false);
});

test("row 105: passwords of 64 characters and far more work; there is a limit in bytes", async () => {
  assert.equal(isTooLong("é".repeat(512)), false);
  assert.equal(isTooLong("é".repeat(513)), true);
});

test("row 96: nobody's name costs as much work as somebody's, and gets the same answer", async (t) => {
  const site = await testSite(t);
  const [known, unknown] = [site.visitor(), site.visitor()];
  const answers = [
    await known.submit("/login", { name: "leo", password: "wrong" }),
    await unknown.submit("/login", { name: "nobody", password: "wrong" }),
  ];
  // The name that was typed is in the form again.
  const [first, second] = answers.map(({ body }) => body.replace(/value="(?:leo|nobody)"/, ""));
  assert.equal(first, second);
  const passwords = new Passwords();
  const began = performance.now();
  await passwords.matches("wrong", undefined);
  assert.ok(performance.now() - began > 3, "a hash was computed");
});

test("row 105: many logins at once leave other pages quick", async (t) => {
  const site = await testSite(t, { hashCost: { memoryKiB: 19_456, passes: 2 } });
  const logins = Array.from({ length: 200 }, () =>
    site.visitor().login({ name: `user ${Math.random()}`, password: "wrong" }),
  );
  const times: number[] = [];
  for (let count = 0; count < 10; count += 1) {
    const began = performance.now();
    assert.equal((await site.visitor().get("/session_get")).status, 200);
    times.push(performance.now() - began);
  }
  await Promise.all(logins);
  const median = times.toSorted((a, b) => a - b)[5] ?? 0;
  assert.ok(median < 100, `${median.toFixed(0)} ms`);
});

test("row 120: names are one spelling for everything that looks alike, decided once", async (t) => {
  const site = await testSite(t);
  for (const name of ["LEO", " leo ", "ｌｅｏ", "Leo"]) {
    const taken = await site.visitor().post("/signup", { name, password: "correct horse" });
    assert.equal(taken.status, 409, name);
    assert.equal((await site.visitor().login({ name })).location, "/user", name);
  }
  assert.match(nameProblem("l\u0435o") ?? "", /one alphabet/);
  assert.match(nameProblem("leo\u202e") ?? "", /cannot be seen/);
  assert.match(nameProblem("le\u200bo") ?? "", /cannot be seen/);
  assert.equal(nameProblem("Zoë Núñez"), undefined);
  assert.equal(nameProblem("Ólafur"), undefined);
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { networkOf, Throttle } from "../../app/throttle.ts";
import { testSite } from "./test-site.ts";

function throttleIn(t: TestContext): {
  throttle: Throttle;
  another: Throttle;
  pass: (seconds: number) => void;
} {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-throttle-"));
  let now = Date.UTC(2026, 0, 1);
  const [throttle, another] = [new Throttle(folder, () => now), new Throttle(folder, () => now)];
  t.after(() => {
    throttle.close();
    another.close();
    rmSync(folder, { recursive: true });
  });
  return { throttle, another, pass: (seconds) => (now += seconds * 1_000) };
}

test("row 104: guesses at one account from many addresses are slowed down, and so are many accounts from one", (t) => {
  const { throttle } = throttleIn(t);
  const byAccount = Array.from({ length: 1_000 }, (_, at) =>
    throttle.login("leo", `10.0.${at >> 8}.${at & 255}`),
  );
  assert.equal(byAccount.filter((attempt) => attempt.allowed).length, 10);
  const byAddress = Array.from({ length: 1_000 }, (_, at) => throttle.login(`user ${at}`, "192.0.2.1"));
  assert.equal(byAddress.filter((attempt) => attempt.allowed).length, 30);
});

test("row 104: the owner gets in from where they have been before, however long a stranger guesses", (t) => {
  const { throttle, pass } = throttleIn(t);
  const first = throttle.login("leo", "198.51.100.7");
  assert.ok(first.allowed);
  first.succeeded();
  for (let hour = 0; hour < 100; hour += 1) {
    for (let at = 0; at < 100; at += 1) throttle.login("leo", `10.1.${hour}.${at}`);
    pass(3_600);
  }
  for (let at = 0; at < 100; at += 1) throttle.login("leo", `10.2.0.${at}`);
  assert.equal(throttle.login("leo", "203.0.113.9").allowed, false, "nobody else does");
  assert.equal(throttle.login("leo", "198.51.100.7").allowed, true);
});

test("row 104: nothing is locked for good: from anywhere, a minute later, there is a try", (t) => {
  const { throttle, pass } = throttleIn(t);
  for (let at = 0; at < 10_000; at += 1)
    throttle.login("leo", `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
  const refused = throttle.login("leo", "203.0.113.9");
  assert.ok(!refused.allowed && refused.retryAfterSeconds <= 60);
  pass(refused.retryAfterSeconds);
  assert.equal(throttle.login("leo", "203.0.113.9").allowed, true);
});

test("row 104: processes count together, and a right password is not counted", (t) => {
  const { throttle, another } = throttleIn(t);
  for (let at = 0; at < 5; at += 1) {
    assert.equal(throttle.login("leo", `10.0.0.${at}`).allowed, true);
    assert.equal(another.login("leo", `10.0.1.${at}`).allowed, true);
  }
  assert.equal(another.login("leo", "10.0.2.1").allowed, false);
  for (let at = 0; at < 100; at += 1) {
    const attempt = throttle.login("ada", "10.0.3.1");
    assert.ok(attempt.allowed);
    attempt.succeeded();
  }
});

test("row 104: a throttled login says how long to wait, and works afterwards", async (t) => {
  const site = await testSite(t);
  const guesser = site.visitor();
  for (let count = 0; count < 10; count += 1) await guesser.login({ password: `${count}` });
  const refused = await guesser.login();
  assert.equal(refused.status, 429);
  const seconds = Number(refused.headers.get("Retry-After"));
  assert.ok(seconds > 0 && seconds <= 60);
  assert.match(refused.body, new RegExp(`try again in ${seconds} seconds`));
  site.later({ seconds });
  assert.equal((await guesser.login()).location, "/user");
});

test("the throttle counts networks of IPv6, and one address of IPv4 however it is written", () => {
  assert.equal(networkOf("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(networkOf("192.0.2.1"), "192.0.2.1");
  assert.equal(networkOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(networkOf("2001:db8:1:2::ffff"), networkOf("2001:db8:1:2:0:1:0:1"));
  assert.equal(networkOf("::1"), "0:0:0:0::/64");
  assert.equal(networkOf("fe80::1%eth0"), "fe80:0:0:0::/64");
});

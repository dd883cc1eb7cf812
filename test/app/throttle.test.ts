import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { networksOf } from "../../app/address.ts";
import { BusyError } from "../../app/passwords.ts";
import { Throttle } from "../../app/throttle.ts";
import { testSite } from "./test-site.ts";

function throttleIn(
  t: TestContext,
  mostCounters?: number,
): {
  throttle: Throttle;
  another: Throttle;
  pass: (seconds: number) => void;
} {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-throttle-"));
  let now = Date.UTC(2026, 0, 1);
  const [throttle, another] = [
    new Throttle(folder, () => now, mostCounters),
    new Throttle(folder, () => now),
  ];
  t.after(() => {
    throttle.close();
    another.close();
    rmSync(folder, { recursive: true });
  });
  return { throttle, another, pass: (seconds) => (now += Math.round(seconds * 1_000)) };
}

/** An address for each number. */
const address = (at: number): string => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;

/** Guesses at leo's password for a while, from so many addresses in turn. Returns how many passwords were checked. */
function attack(
  { throttle, pass }: Pick<ReturnType<typeof throttleIn>, "throttle" | "pass">,
  { perSecond = 7, addresses, seconds }: { perSecond?: number; addresses: number; seconds: number },
): number {
  let checked = 0;
  for (let at = 0; at < perSecond * seconds; at += 1) {
    if (throttle.login("leo", address(at % addresses)).allowed) checked += 1;
    pass(1 / perSecond);
  }
  return checked;
}

test("row 104: guesses at many accounts from one address are slowed down, and so are those at one account", (t) => {
  const { throttle } = throttleIn(t);
  const allowed = (attempts: { allowed: boolean }[]): number =>
    attempts.filter((attempt) => attempt.allowed).length;
  const tries = (login: (at: number) => { allowed: boolean }): number =>
    allowed(Array.from({ length: 1_000 }, (_, at) => login(at)));
  assert.equal(
    tries((at) => throttle.login("leo", address(at))),
    100,
    "one account, from everywhere",
  );
  assert.equal(
    tries((at) => throttle.login(`user ${at}`, "192.0.2.1")),
    30,
    "one address, all accounts",
  );
  assert.equal(
    tries(() => throttle.login("ada", "192.0.2.2")),
    10,
    "one address, one account",
  );
});

for (const minutes of [1, 10, 60 * 24]) {
  test(`row 104: 7 guesses a second from one address for ${minutes} minutes do not keep the owner out elsewhere`, (t) => {
    const scene = throttleIn(t);
    // After ten minutes, the first second of each minute stands for all of it.
    let checked = attack(scene, { addresses: 1, seconds: Math.min(minutes * 60, 600) });
    for (let minute = 10; minute < minutes; minute += 1) {
      checked += attack(scene, { addresses: 1, seconds: 1 });
      scene.pass(59);
    }
    for (const place of ["198.51.100.7", "2001:db8::7"]) {
      const attempt = scene.throttle.login("leo", place);
      assert.ok(attempt.allowed, `at once, on a new device at ${place}`);
      attempt.withdraw();
    }
    assert.ok(checked <= 20 + minutes / 15 + 1, `${checked} passwords were checked for the attacker`);
  });
}

test("row 104: nor do guesses from a whole /48 of IPv6", (t) => {
  const { throttle, pass } = throttleIn(t);
  for (let at = 0; at < 2_000; at += 1) {
    throttle.login("leo", `2001:db8:1:${at.toString(16)}::1`);
    pass(2);
  }
  assert.equal(throttle.login("leo", "198.51.100.7").allowed, true);
});

test("row 104: whoever guesses from 1,000 addresses keeps strangers out, and not the owner's own browser or address", (t) => {
  const scene = throttleIn(t);
  const { throttle, pass } = scene;
  const before = throttle.login("leo", "198.51.100.7");
  assert.ok(before.allowed);
  before.succeeded();
  const checked = attack(scene, { addresses: 1_000, seconds: 1_800 });
  assert.ok(checked <= 100 + 1_800 / 36, `${checked} guesses in half an hour`);

  const stranger = throttle.login("leo", "203.0.113.9");
  assert.ok(!stranger.allowed, "a new device at a new address has to wait");
  assert.equal(stranger.limit, "account");
  assert.ok(stranger.retryAfterSeconds <= 36);
  assert.equal(throttle.login("leo", "198.51.100.7").allowed, true, "an address of earlier logins");
  assert.equal(throttle.login("leo", "203.0.113.9", "a known browser").allowed, true);
  pass(36);
  assert.equal(
    throttle.login("leo", "203.0.113.9").allowed,
    true,
    "and anybody as soon as the attack is over",
  );
});

test("row 104: a stolen device cookie gives no more guesses than an address", (t) => {
  const { throttle } = throttleIn(t);
  const attempts = Array.from({ length: 100 }, (_, at) => throttle.login("leo", address(at), "stolen"));
  assert.equal(attempts.filter(({ allowed }) => allowed).length, 10);
});

test("row 104: right passwords are checked for one source once a second, and for others as before", (t) => {
  const { throttle } = throttleIn(t);
  for (let at = 0; at < 120; at += 1) {
    const attempt = throttle.login("mallory", "192.0.2.1");
    assert.ok(attempt.allowed, `right password ${at}`);
    attempt.succeeded();
  }
  assert.equal(throttle.login("mallory", "192.0.2.1").allowed, false);
  assert.equal(throttle.login("mallory", "192.0.2.2").allowed, true);
});

test("row 104: made-up names and addresses without end leave a bounded file, and the victim's counter in it", (t) => {
  const { throttle } = throttleIn(t, 2_000);
  const victim = throttle.login("leo", "192.0.2.1");
  for (let at = 0; at < 9; at += 1) throttle.login("leo", "192.0.2.1");
  assert.ok(victim.allowed);
  // Each leaves five counters, and each thousand tries somebody looks at how many there are.
  for (let at = 0; at < 3_000; at += 1) throttle.login(`nobody ${at}`, address(at));
  assert.ok(throttle.size <= 2_000 + 5 * 1_000, `${throttle.size} counters`);
  assert.equal(throttle.login("leo", "192.0.2.1").allowed, false, "ten guesses are not forgotten");
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
    assert.equal(throttle.login("leo", "10.0.0.1").allowed, true);
    assert.equal(another.login("leo", "10.0.0.1").allowed, true);
  }
  assert.equal(another.login("leo", "10.0.0.1").allowed, false);
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

test("row 104: a browser that was kept logged in has its own tries, and a device cookie of another account is nothing", async (t) => {
  const site = await testSite(t);
  const [leo, ada, guest] = [site.visitor(), site.visitor(), site.visitor()];
  await leo.login({ keep: "on" });
  await leo.post("/logout");
  await ada.post("/signup", { name: "ada", password: "correct horse", keep: "on" });
  await ada.post("/logout");
  assert.ok(leo.jar.has("device") && ada.jar.has("device"));
  for (let count = 0; count < 10; count += 1) await guest.login({ password: `${count}` });
  assert.equal((await guest.login()).status, 429, "this address has used up its tries");
  assert.equal((await ada.login()).status, 429);
  const device = leo.jar.get("device")?.value;
  assert.equal((await leo.login({ keep: "on" })).location, "/user");
  assert.equal(
    leo.jar.get("device")?.value.split(".")[0],
    device?.split(".")[0],
    "the same device as before",
  );
});

test("row 104: while strangers guess, whoever is logged in can change the password", async (t) => {
  const site = await testSite(t);
  const ada = site.visitor();
  await ada.post("/signup", { name: "ada", password: "1234 horse" });
  for (let at = 0; at < 200; at += 1) site.site.throttle.login("ada", address(at));
  for (let count = 0; count < 12; count += 1)
    await site.visitor().login({ name: "ada", password: `${count}` });
  const changed = await ada.fill("/password", { current: "1234 horse", next: "correct horse" });
  assert.equal(changed.location, "/user");
});

test("row 104: a login that could not be checked, since too many waited, is not held against anybody", async (t) => {
  const site = await testSite(t);
  const matches = t.mock.method(site.site.passwords, "matches", async () => {
    throw new BusyError("Too many logins at once.");
  });
  for (let count = 0; count < 15; count += 1) assert.equal((await site.visitor().login()).status, 503);
  matches.mock.restore();
  assert.equal((await site.visitor().login()).location, "/user");
});

test("row 104: X-Forwarded-For is believed as far as the operator's own proxies wrote it", async (t) => {
  for (const { proxies, forwarded, is } of [
    { proxies: 0, forwarded: (at: number) => address(at), is: 429 },
    { proxies: 1, forwarded: (at: number) => `192.0.2.1, ${address(at)}`, is: 303 },
    { proxies: 1, forwarded: (at: number) => `${address(at)}, 192.0.2.1`, is: 429 },
    { proxies: 2, forwarded: (at: number) => `evil, ${address(at)}:4711, 192.0.2.1`, is: 303 },
    { proxies: 1, forwarded: (at: number) => `nonsense ${at}`, is: 429 },
  ]) {
    const site = await testSite(t, { proxies });
    const guess = (at: number) =>
      site.visitor().post("/login", { name: "leo", password: `${at}` }, { "X-Forwarded-For": forwarded(at) });
    for (let at = 0; at < 11; at += 1) await guess(at);
    assert.equal((await guess(12)).status, is, `${proxies}: ${forwarded(12)}`);
  }
});

test("the throttle counts networks of IPv6, and one address of IPv4 however it is written", () => {
  assert.deepEqual(networksOf("::ffff:192.0.2.1"), ["192.0.2.1"]);
  assert.deepEqual(networksOf("192.0.2.1"), ["192.0.2.1"]);
  assert.deepEqual(networksOf("2001:db8:1:2:3:4:5:6"), ["2001:db8:1:2::/64", "2001:db8:1::/48"]);
  assert.deepEqual(networksOf("2001:db8:1:2::ffff"), networksOf("2001:db8:1:2:0:1:0:1"));
  assert.deepEqual(networksOf("::1"), ["0:0:0:0::/64", "0:0:0::/48"]);
  assert.deepEqual(networksOf("fe80::1%eth0"), ["fe80:0:0:0::/64", "fe80:0:0::/48"]);
});

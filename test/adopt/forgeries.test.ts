import assert from "node:assert/strict";
import { createCipheriv, createHmac, hkdfSync, pbkdf2Sync, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { deflateSync } from "node:zlib";
import { inspect } from "node:util";
import type { AdoptionSource } from "coatcheck";
import {
  fromAuthJs,
  fromCookieSession,
  fromExpressSession,
  fromFlask,
  fromIronSession,
  fromKoaSession,
  fromNextAuth,
} from "coatcheck/adopt";
import { collectEvents } from "../support/events.ts";
import { Site } from "../support/site.ts";
import { cookieSessionCookies, expressCookie, flaskCookie } from "./old-systems.ts";

const secret = "a secret of the system before, long enough";
const take = (old: { readonly user?: string }) => ({ subject: old.user });

/** A system: its source, and how somebody with the secret makes a cookie of some JSON. */
interface System {
  source(until: Date): AdoptionSource;
  /** @param now in milliseconds. */
  cookie(json: string, key: string, now: number): string;
  /** The names of the cookies whose every character counts. */
  readonly signed: readonly string[];
}

function token(
  json: string,
  key: string,
  now: number,
  header: object = { alg: "dir", enc: "A256GCM" },
): string {
  const info = "NextAuth.js Generated Encryption Key";
  const derived = Buffer.from(hkdfSync("sha256", key, "", info, 32));
  const head = Buffer.from(JSON.stringify(header)).toString("base64url");
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", derived, iv).setAAD(Buffer.from(head));
  const claims = json.startsWith("{") ? `{"exp":${Math.floor(now / 1000) + 3600},${json.slice(1)}` : json;
  const sealed = Buffer.concat([cipher.update(claims.replace(",}", "}")), cipher.final()]);
  return [head, "", ...[iv, sealed, cipher.getAuthTag()].map((bytes) => bytes.toString("base64url"))].join(
    ".",
  );
}

function authJsToken(json: string, key: string, now: number): string {
  const name = "authjs.session-token";
  const info = `Auth.js Generated Encryption Key (${name})`;
  const derived = Buffer.from(hkdfSync("sha256", key, name, info, 64));
  const head = Buffer.from('{"alg":"dir","enc":"A256CBC-HS512","kid":"x"}').toString("base64url");
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-cbc", derived.subarray(32), iv);
  const claims = json.startsWith("{") ? `{"exp":${Math.floor(now / 1000) + 3600},${json.slice(1)}` : json;
  const sealed = Buffer.concat([cipher.update(claims.replace(",}", "}")), cipher.final()]);
  const length = Buffer.alloc(8);
  length.writeUInt32BE(head.length * 8, 4);
  const mac = createHmac("sha512", derived.subarray(0, 32))
    .update(head)
    .update(iv)
    .update(sealed)
    .update(length);
  const parts = [iv, sealed, mac.digest().subarray(0, 32)].map((bytes) => bytes.toString("base64url"));
  return [head, "", ...parts].join(".");
}

function ironSeal(json: string, key: string, now: number, end: string = String(now + 3_600_000)): string {
  const [salt, hmacSalt] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")];
  const derived = (with_: string) => pbkdf2Sync(key, with_, 1, 32, "sha1");
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-cbc", derived(salt), iv);
  const sealed = Buffer.concat([cipher.update(json), cipher.final()]).toString("base64url");
  const signed = `Fe26.2*1*${salt}*${iv.toString("base64url")}*${sealed}*${end}`;
  const mac = createHmac("sha256", derived(hmacSalt)).update(signed).digest("base64url");
  return `${signed}*${hmacSalt}*${mac}~2`;
}

/** The only record of express-session. */
let record: unknown;

const systems: Record<string, System> = {
  "express-session": {
    source: (until) => fromExpressSession({ secret, store: { read: () => record }, until, take }),
    cookie(json, key) {
      record = json;
      return `connect.sid=${expressCookie("an id", key)}`;
    },
    signed: ["connect.sid"],
  },
  "cookie-session": {
    source: (until) => fromCookieSession({ secret, until, take }),
    cookie: (json, key) => cookieSessionCookies(json, key),
    signed: ["session", "session.sig"],
  },
  "koa-session": {
    source: (until) => fromKoaSession({ secret, until, take }),
    cookie: (json, key) => cookieSessionCookies(json, key, "koa.sess"),
    signed: ["koa.sess", "koa.sess.sig"],
  },
  "iron-session": {
    source: (until) => fromIronSession({ secret, cookie: { name: "iron" }, until, take }),
    cookie: (json, key, now) => `iron=${ironSeal(json, key, now)}`,
    signed: ["iron"],
  },
  "next-auth": {
    source: (until) => fromNextAuth({ secret, until, take }),
    cookie: (json, key, now) => `next-auth.session-token=${token(json, key, now)}`,
    signed: ["next-auth.session-token"],
  },
  "auth.js": {
    source: (until) => fromAuthJs({ secret, until, take }),
    cookie: (json, key, now) => `authjs.session-token=${authJsToken(json, key, now)}`,
    signed: ["authjs.session-token"],
  },
  flask: {
    source: (until) => fromFlask({ secret, until, take }),
    cookie: (json, key, now) => `session=${flaskCookie(json, key, Math.floor(now / 1000))}`,
    signed: ["session"],
  },
};

function decoded(cookie: string): string {
  try {
    return decodeURIComponent(cookie);
  } catch {
    return cookie;
  }
}

class Old extends Site {
  readonly #sessions;
  readonly #system: System;

  constructor(t: TestContext, system: System) {
    super(t);
    this.#system = system;
    this.#sessions = this.sessionsWith({ adopt: [system.source(new Date(this.clock.now() + 86_400_000))] });
  }

  cookie(json = '{"user":"leo"}', key = secret): string {
    return this.#system.cookie(json, key, this.clock.now());
  }

  /** Who a visitor with these cookies is. Nothing is written for a stranger. */
  async subject(cookie: string): Promise<string | undefined> {
    this.probe.calls.length = 0;
    const visitor = this.visitor(this.#sessions);
    const subject = await visitor.subject({ cookie });
    if (subject === undefined) {
      assert.equal(this.probe.count("create", "patch"), 0);
      assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    }
    return subject;
  }
}

for (const [name, system] of Object.entries(systems)) {
  describe(name, () => {
    test("a good cookie is adopted, and nothing that differs from it in anything", async (t) => {
      const site = new Old(t, system);
      const good = site.cookie();
      for (const signed of system.signed) {
        const start = good.indexOf(`${signed}=`) + signed.length + 1;
        const end = good.indexOf(";", start) === -1 ? good.length : good.indexOf(";", start);
        const forgeries: string[] = [];
        for (let at = start; at < end; at++) {
          for (const letter of ["A", "B", "-", "_", ".", "*", "%41", "="]) {
            forgeries.push(good.slice(0, at) + letter + good.slice(at + 1));
            if (at % 7 === 0) forgeries.push(good.slice(0, at) + letter + good.slice(at));
          }
          forgeries.push(good.slice(0, at) + good.slice(end), good.slice(0, at) + good.slice(at + 1));
        }
        forgeries.push(
          `${good.slice(0, end)}=${good.slice(end)}`,
          `${good.slice(0, end)}%00${good.slice(end)}`,
        );
        for (const forgery of forgeries) {
          // A spelling that percent-decodes to the same is the same cookie.
          if (decoded(forgery) === decoded(good)) continue;
          assert.equal(await site.subject(forgery), undefined, forgery);
        }
      }
      assert.equal(await site.subject(good), "leo");
    });

    test("a cookie of another secret opens nothing", async (t) => {
      const site = new Old(t, system);
      for (const key of [`${secret} `, secret.slice(1), "another secret of the system before"]) {
        assert.equal(await site.subject(site.cookie('{"user":"leo"}', key)), undefined);
      }
    });

    test("what is not the JSON of an object, or could change prototypes, opens nothing", async (t) => {
      const site = new Old(t, system);
      const deep = `{"user":"leo","a":${"[".repeat(100)}${"]".repeat(100)}}`;
      for (const json of [
        "",
        "null",
        "42",
        '"leo"',
        '[{"user":"leo"}]',
        '{"user":"leo"',
        "{user:'leo'}",
        deep,
        "[".repeat(9000),
        '{"user":"leo","__proto__":{"user":"eve"}}',
        '{"user":"leo","a":[{"__proto__":{}}]}',
        '{"user":"leo","\\u005f_proto__":null}',
        '{"user":"leo"}\0',
        '{"user":"\ud800',
      ]) {
        assert.equal(await site.subject(site.cookie(json)), undefined, json.slice(0, 50));
      }
      assert.equal(Reflect.get({}, "user"), undefined);
    });

    test("a cookie that is empty, huge, or comes a thousand times opens nothing, and takes no time", async (t) => {
      const site = new Old(t, system);
      const [first = ""] = system.signed;
      const start = performance.now();
      for (const value of [
        "",
        ".",
        "..",
        "a".repeat(100_000),
        ".".repeat(100_000),
        "s:".repeat(10_000),
        "%".repeat(10_000),
      ]) {
        const cookie = system.signed.map((one) => `${one}=${value}`).join("; ");
        assert.equal(await site.subject(cookie), undefined);
      }
      const many = Array.from(
        { length: 1000 },
        (_, at) => `${first}=${at}${site.cookie().slice(first.length + 1)}`,
      );
      await site.subject(many.join("; "));
      assert.ok(performance.now() - start < 5000);
    });

    test("of two, the good one counts; of two different good ones, none", async (t) => {
      const site = new Old(t, system);
      const good = site.cookie();
      const forged = system.signed.map((one) => `${one}=${"x".repeat(50)}`).join("; ");
      site.clock.advance(2000);
      assert.equal(await site.subject(`${forged}; ${good}`), "leo");
      assert.equal(await site.subject(`${good}; ${forged}; ${good}`), "leo");
      if (name === "express-session") return;
      const events = collectEvents(t);
      assert.equal(
        await site.subject(`${site.cookie('{"user":"eve"}')}; ${site.cookie('{"user":"ada"}')}`),
        undefined,
      );
      assert.ok(events.some((event) => event.type === "adoption-refused" && event.reason === "ambiguous"));
    });

    test("no event and no line of the log shows a cookie, a secret or data", async (t) => {
      const site = new Old(t, system);
      const events = collectEvents(t);
      const printed: unknown[] = [];
      for (const level of ["log", "warn", "error"] as const)
        t.mock.method(console, level, (...parts: unknown[]) => void printed.push(parts));
      const good = site.cookie('{"user":"leo","diary":"CANARY"}');
      await site.subject(good);
      await site.subject(good);
      await site.subject(good.slice(0, -1));
      const shown = inspect([events, printed], { depth: Infinity });
      assert.ok(events.length > 1);
      for (const signed of system.signed) {
        const value = new RegExp(`${signed}=([^;]+)`).exec(good)?.[1] ?? "";
        for (const part of [
          value,
          decodeURIComponent(value),
          ...value.split(/[.*]/).filter(({ length }) => length > 20),
        ])
          assert.ok(!shown.includes(part), part);
      }
      for (const canary of ["CANARY", secret, "an id"]) assert.ok(!shown.includes(canary), canary);
    });
  });
}

test("a cookie that has expired opens nothing", async (t) => {
  for (const [name, margin] of [
    ["iron-session", 3_660_000],
    ["next-auth", 3_615_000],
    ["auth.js", 3_615_000],
  ] as const) {
    const site = new Old(t, systems[name]!);
    const [early, late] = [site.cookie('{"user":"leo"}'), site.cookie('{"user":"ada"}')];
    site.clock.advance(margin - 1000);
    assert.equal(await site.subject(early), "leo", name);
    site.clock.advance(1000);
    assert.equal(await site.subject(late), undefined, name);
  }
  const koa = new Old(t, systems["koa-session"]!);
  const end = koa.clock.now() + 1000;
  assert.equal(await koa.subject(koa.cookie(`{"user":"leo","_expire":${end}}`)), "leo");
  koa.clock.advance(1000);
  assert.equal(await koa.subject(koa.cookie(`{"user":"ada","_expire":${end}}`)), undefined);
  const express = new Old(t, systems["express-session"]!);
  const expires = new Date(express.clock.now()).toISOString();
  assert.equal(
    await express.subject(express.cookie(`{"user":"leo","cookie":{"expires":"${expires}"}}`)),
    undefined,
  );
  const flask = new Old(t, systems["flask"]!);
  const days = 31 * 86_400;
  const now = Math.floor(flask.clock.now() / 1000);
  for (const [seconds, subject] of [
    [now - days - 1, undefined],
    [now - days, "leo"],
    [now + 61, undefined],
    [now + 60, "leo"],
  ] as const) {
    assert.equal(
      await flask.subject(`session=${flaskCookie('{"user":"leo"}', secret, seconds)}`),
      subject,
      String(seconds - now),
    );
  }
});

test("a token says exactly how it is encrypted: other headers open nothing", async (t) => {
  const site = new Old(t, systems["next-auth"]!);
  const now = site.clock.now();
  for (const header of [
    { alg: "none", enc: "A256GCM" },
    { alg: "dir", enc: "A128GCM" },
    { alg: "dir" },
    { alg: "dir", enc: "A256GCM", zip: "DEF" },
    { alg: "dir", enc: "A256GCM", crit: ["exp"] },
    { alg: "A256KW", enc: "A256GCM" },
  ]) {
    assert.equal(
      await site.subject(`next-auth.session-token=${token('{"user":"leo"}', secret, now, header)}`),
      undefined,
    );
  }
  // The same token under the other name is the same credential.
  const good = token('{"user":"leo"}', secret, now);
  assert.equal(await site.subject(`next-auth.session-token=${good}`), "leo");
  await site.sessions.revokeAll("leo");
  const again = site.visitor(
    site.sessionsWith({ adopt: [systems["next-auth"]!.source(new Date(now + 1000))] }),
  );
  assert.equal(await again.subject({ cookie: `__Secure-next-auth.session-token=${good}` }), undefined);
  assert.equal(
    await again.subject({
      cookie: `next-auth.session-token.0=${good.slice(0, 90)}; next-auth.session-token.1=${good.slice(90)}`,
    }),
    undefined,
  );
});

test("a token without an end was not made for a session", async (t) => {
  const site = new Old(t, systems["next-auth"]!);
  const made = token(' {"user":"leo"}', secret, site.clock.now());
  assert.equal(await site.subject(`next-auth.session-token=${made}`), undefined);
});

test("a Flask session that inflates beyond measure opens nothing", async (t) => {
  const site = new Old(t, systems["flask"]!);
  const cookie = (json: string) => {
    const seconds = Math.floor(site.clock.now() / 1000);
    const time = Buffer.alloc(4);
    time.writeUInt32BE(seconds);
    const signed = `.${deflateSync(json).toString("base64url")}.${time.toString("base64url")}`;
    const key = createHmac("sha1", secret).update("cookie-session").digest();
    return `session=${signed}.${createHmac("sha1", key).update(signed).digest("base64url")}`;
  };
  assert.equal(await site.subject(cookie(`{"user":"leo","x":"${" ".repeat(300_000)}"}`)), undefined);
  assert.equal(await site.subject(cookie(`{"user":"leo","x":"${" ".repeat(30_000)}"}`)), "leo");
});

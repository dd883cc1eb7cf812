import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { describe, test } from "node:test";
import { CoatcheckError } from "coatcheck";
import * as fc from "fast-check";
import type { Cookies } from "../../../src/cookies/cookies.ts";
import { CookieJar } from "../../support/cookie-jar.ts";
import { home, Site, testEverywhere } from "../../support/site.ts";
import type { Visitor } from "../../support/site.ts";

/** A page that works with its cookies. */
async function page<T>(visitor: Visitor, use: (cookies: Cookies) => T, cookie?: string): Promise<T> {
  let result: { value: T } | undefined;
  let failure: unknown;
  await visitor.send(
    (at) => {
      try {
        result = { value: use(visitor.sessions.cookies(at)) };
      } catch (error) {
        failure = error;
      }
      return new Response();
    },
    cookie === undefined ? {} : { cookie },
  );
  if (result === undefined) throw failure;
  return result.value;
}

testEverywhere("a cookie can be set, read in the same request and the next, and deleted", async (site) => {
  const visitor = site.visitor();
  await page(visitor, (cookies) => {
    assert.equal(cookies.has("theme"), false);
    cookies.set("theme", "dark", { maxAge: { days: 7 } });
    assert.equal(cookies.get("theme"), "dark");
    assert.equal(cookies.has("theme"), true);
  });
  assert.equal(visitor.jar.get("theme")?.expires, site.clock.now() + 7 * 86_400_000);
  await page(visitor, (cookies) => {
    assert.equal(cookies.get("theme"), "dark");
    cookies.delete("theme");
    assert.equal(cookies.get("theme"), undefined);
    assert.equal(cookies.has("theme"), false);
  });
  assert.deepEqual(visitor.jar.cookies, []);
});

testEverywhere("[15] deleting takes the same scope as setting, and repeats it", async (site) => {
  const scopes = [
    {},
    { path: "/app" },
    { domain: "site.example" },
    { secure: false, sameSite: "strict" },
    { httpOnly: false, priority: "low" },
    { sameSite: "none", partitioned: true },
  ] as const;
  for (const scope of scopes) {
    const visitor = site.visitor();
    await page(visitor, (cookies) => cookies.set("a", "1", scope));
    assert.equal(visitor.jar.cookies.length, 1);
    await page(visitor, (cookies) => cookies.delete("a", scope));
    assert.match(
      visitor.last.headers.getSetCookie()[0] ?? "",
      /Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT/,
    );
    assert.deepEqual(visitor.jar.cookies, []);
  }
});

testEverywhere(
  "[16] the last of several writes to one cookie is sent, and another path is another cookie",
  async (site) => {
    const visitor = site.visitor();
    await page(visitor, (cookies) => {
      cookies.set("a", "1");
      cookies.set("a", "2", { domain: "SITE.example" });
      cookies.set("a", "3", { domain: "site.example" });
      cookies.set("a", "4", { path: "/app" });
      cookies.delete("a");
      cookies.signed.set("a", "5");
    });
    assert.equal(visitor.last.headers.getSetCookie().length, 3);
  },
);

describe("[13] a cookie of 4096 bytes is sent and kept, and one more is refused", () => {
  for (const [name, letter, bytes] of [
    ["a", "x", 1],
    ["a-longer-name", "x", 1],
    ["a", "ü", 6],
    ["a", "🙂", 12],
    ["a", " ", 3],
  ] as const) {
    test(`${name} of ${JSON.stringify(letter)}`, async (t) => {
      const visitor = new Site(t).visitor();
      const rest = 4096 - name.length;
      const value = letter.repeat(Math.floor(rest / bytes)) + "x".repeat(rest % bytes);
      await page(visitor, (cookies) => cookies.set(name, value, { path: "/", httpOnly: false }));
      assert.equal(Buffer.byteLength(visitor.jar.get(name)?.value ?? ""), rest);
      assert.equal(await page(visitor, (cookies) => cookies.get(name)), value);
      await page(visitor, (cookies) => {
        assert.throws(() => cookies.set(name, `${value}x`), { name: "LimitError", code: "COOKIE_TOO_LARGE" });
      });
      assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    });
  }

  test("sealed and signed ones count what they add", async (t) => {
    const visitor = new Site(t).visitor();
    await page(visitor, (cookies) => {
      for (const kind of [cookies.signed, cookies.sealed]) {
        assert.throws(() => kind.set("a", "x".repeat(3100)), { code: "COOKIE_TOO_LARGE" });
        kind.set("a", "x".repeat(2900));
      }
    });
    assert.equal(visitor.jar.cookies.length, 1);
  });
});

test("[14] lifetimes are whole seconds up to 400 days; anything else is refused and nothing sent", async (t) => {
  const visitor = new Site(t).visitor();
  for (const [maxAge, seconds] of [
    [{ seconds: 1 }, 1],
    [{ milliseconds: 1 }, 1],
    [{ milliseconds: 1500 }, 2],
    [{ days: 400 }, 34_560_000],
  ] as const) {
    await page(visitor, (cookies) => cookies.set("a", "1", { maxAge }));
    assert.match(visitor.last.headers.getSetCookie()[0] ?? "", new RegExp(`; Max-Age=${seconds};`));
  }
  const bad = [
    { days: 401 },
    { days: -1 },
    { days: 0 },
    {},
    { days: Number.NaN },
    { days: Infinity },
    60,
    "60",
    null,
    { years: 1 },
  ];
  await page(visitor, (cookies) => {
    for (const maxAge of bad) {
      for (const kind of [cookies, cookies.signed, cookies.sealed]) {
        assert.throws(() => kind.set("a", "1", { maxAge } as never), CoatcheckError, JSON.stringify(maxAge));
      }
    }
  });
  assert.deepEqual(visitor.last.headers.getSetCookie(), []);
});

test("[93] values that are no well-formed text are refused", async (t) => {
  const visitor = new Site(t).visitor();
  await page(visitor, (cookies) => {
    for (const value of [undefined, null, 5, true, {}, [], ["a"], "\ud800", Symbol("a")]) {
      for (const kind of [cookies, cookies.signed, cookies.sealed]) {
        assert.throws(() => kind.set("a", value as string), { name: "MisuseError", code: "COOKIE_INVALID" });
      }
    }
    for (const name of [undefined, null, 5, {}, ["a"], ""]) {
      assert.throws(() => cookies.set(name as string, "x"), { code: "COOKIE_INVALID" });
    }
  });
});

test("the session's cookie is not to be set or deleted by hand", async (t) => {
  const visitor = new Site(t).visitor();
  await page(visitor, (cookies) => {
    assert.throws(() => cookies.set("__Host-Http-session", "x"), { code: "COOKIE_INVALID" });
    assert.throws(() => cookies.signed.set("__Host-Http-session", "x"), { code: "COOKIE_INVALID" });
    assert.throws(() => cookies.delete("__Host-Http-session"), { code: "COOKIE_INVALID" });
  });
});

testEverywhere(
  "cookies of a handler that fails are not sent, whether or not it opened its session",
  async (site) => {
    for (const opens of [true, false]) {
      for (const fails of ["throws", "500", "503"]) {
        const response = await site.visitor().send(async (at) => {
          if (opens) await site.sessions.of(at);
          site.sessions.cookies(at).set("a", "1");
          if (fails === "throws") throw new Error("on purpose");
          return new Response("", { status: Number(fails) });
        });
        assert.deepEqual(
          response.headers.getSetCookie(),
          [],
          `${opens ? "with" : "without"} a session, ${fails}`,
        );
      }
      const response = await site.visitor().send((at) => {
        site.sessions.cookies(at).set("a", "1");
        return new Response("", { status: 404 });
      });
      assert.equal(response.headers.getSetCookie().length, 1);
    }
  },
);

testEverywhere("[83] setting a cookie after the response has left is told, and not lost", async (site) => {
  let late: Cookies | undefined;
  await site.visitor().send((at) => {
    late = site.sessions.cookies(at);
    return new Response();
  });
  assert.throws(() => late?.set("a", "1"), { code: "AFTER_RESPONSE" });
  assert.throws(() => late?.signed.set("a", "1"), { code: "AFTER_RESPONSE" });
  assert.throws(() => late?.delete("a"), { code: "AFTER_RESPONSE" });
});

describe("signed and sealed cookies", () => {
  const kinds = ["signed", "sealed"] as const;

  async function issue(
    site: Site,
    kind: (typeof kinds)[number],
    name: string,
    value: string,
    maxAge?: { hours: number },
  ) {
    const visitor = site.visitor();
    await page(visitor, (cookies) => cookies[kind].set(name, value, maxAge === undefined ? {} : { maxAge }));
    return visitor.jar.get(name)?.value ?? "";
  }

  for (const kind of kinds) {
    test(`[57] every bit flip, truncation, insertion and splice of a ${kind} cookie is refused`, async (t) => {
      const site = new Site(t);
      const [one, other] = [
        await issue(site, kind, "a", "one value"),
        await issue(site, kind, "a", "two value"),
      ];
      const variants = new Set<string>();
      for (let at = 0; at <= one.length; at++) {
        variants.add(one.slice(0, at)).add(one.slice(0, at) + one.slice(at + 1));
        for (const letter of "A.-_=+/%") variants.add(one.slice(0, at) + letter + one.slice(at));
        variants.add(one.slice(0, at) + other.slice(at)).add(other.slice(0, at) + one.slice(at));
        const code = one.charCodeAt(at);
        for (let bit = 0; bit < 7; bit++) {
          const flipped = String.fromCharCode(code ^ (1 << bit));
          if (/[\x21-\x3a\x3c-\x7e]/.test(flipped))
            variants.add(one.slice(0, at) + flipped + one.slice(at + 1));
        }
      }
      for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        variants.add(one.slice(0, -1) + letter);
      variants.delete(one);
      variants.delete(other);
      assert.ok(variants.size > 500);
      for (const variant of variants) {
        await page(
          site.visitor(),
          (cookies) => {
            assert.equal(cookies[kind].get("a"), undefined, variant);
            assert.equal(cookies[kind].invalid("a"), true);
          },
          `a=${variant}`,
        );
      }
      assert.equal(await page(site.visitor(), (cookies) => cookies[kind].get("a"), `a=${one}`), "one value");
    });

    test(`[58] a ${kind} cookie opens under its own name only, and not as plain or of the other kind`, async (t) => {
      const site = new Site(t);
      const value = await issue(site, kind, "a", "x");
      const other = kind === "signed" ? "sealed" : "signed";
      await page(
        site.visitor(),
        (cookies) => {
          assert.equal(cookies[kind].get("a"), "x");
          assert.equal(cookies[kind].get("b"), undefined);
          assert.equal(cookies[kind].get("A"), undefined);
          assert.equal(cookies[other].get("a"), undefined);
          assert.notEqual(cookies.get("a"), "x");
        },
        `a=${value}; b=${value}; A=${value}`,
      );
    });

    test(`[28] a ${kind} cookie carries its own end, whatever the browser does`, async (t) => {
      const site = new Site(t);
      const value = await issue(site, kind, "a", "x", { hours: 1 });
      const read = () =>
        page(site.visitor(), (cookies) => [cookies[kind].get("a"), cookies[kind].invalid("a")], `a=${value}`);
      site.clock.advance(3_599_999);
      assert.deepEqual(await read(), ["x", false]);
      site.clock.advance(1);
      assert.deepEqual(await read(), [undefined, true]);
      const lasting = await issue(site, kind, "a", "x");
      site.clock.advance(1000 * 86_400_000);
      assert.equal(await page(site.visitor(), (cookies) => cookies[kind].get("a"), `a=${lasting}`), "x");
    });

    test(`[56] plain, JSON and base64 texts are no ${kind} cookies`, async (t) => {
      const site = new Site(t);
      const texts = [
        "",
        "x",
        "eyJhIjoxfQ",
        "eyJhIjoxfQ.0.",
        "eyJhIjoxfQ.0",
        "..",
        "s:x.y",
        "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.",
        "A".repeat(43),
        "A".repeat(4000),
      ];
      for (const text of texts) {
        const seen = await page(
          site.visitor(),
          (cookies) => [cookies[kind].get("a"), cookies[kind].invalid("a")],
          `a=${text}`,
        );
        assert.deepEqual(seen, [undefined, true], text);
      }
      assert.deepEqual(
        await page(site.visitor(), (cookies) => [cookies[kind].get("a"), cookies[kind].invalid("a")]),
        [undefined, false],
      );
    });
  }

  test("a signed value can be read by anybody, and a sealed one by nobody", async (t) => {
    const site = new Site(t);
    const signed = await issue(site, "signed", "a", "CANARY");
    const sealed = await issue(site, "sealed", "a", "CANARY");
    assert.equal(Buffer.from(signed.split(".")[0] ?? "", "base64url").toString(), "CANARY");
    assert.equal(Buffer.from(sealed, "base64url").indexOf("CANARY"), -1);
    assert.notEqual(sealed, await issue(site, "sealed", "a", "CANARY"));
  });
});

test("a value that the visitor wrote is given as it is, however odd", async (t) => {
  const visitor = new Site(t).visitor();
  for (const [sent, read] of [
    ["%zz", "%zz"],
    ["%", "%"],
    ["%E0%A4%A", "%E0%A4%A"],
    ["%41", "A"],
    ['"quoted"', '"quoted"'],
    ["a=b", "a=b"],
    ["", ""],
  ] as const) {
    assert.equal(await page(visitor, (cookies) => cookies.get("a"), `a=${sent}`), read);
  }
  assert.deepEqual(
    await page(
      visitor,
      (cookies) => [cookies.get("a"), cookies.getAll("a"), cookies.getAll("b")],
      "a=1; a=2",
    ),
    ["1", ["1", "2"], []],
  );
});

test("what others wrote in UTF-8 is read as text, names as well as values", async (t) => {
  const visitor = new Site(t).visitor();
  const bytes = (text: string): string => Buffer.from(text).toString("latin1");
  for (const [sent, name, read] of [
    [bytes("a=Grüße"), "a", "Grüße"],
    [bytes("a=日本 %E2%82%AC"), "a", "日本 €"],
    [bytes("a=ü%"), "a", "ü%"],
    [bytes("a=\ufeffx"), "a", "\ufeffx"],
    // What is no UTF-8 stays as it is: Latin-1, a half of a character, an overlong form.
    ["a=Gr\u00fc\u00dfe", "a", "Grüße"],
    ["a=\u00c3", "a", "\u00c3"],
    ["a=\u00c0\u00af", "a", "\u00c0\u00af"],
    [bytes("café=1"), "café", "1"],
    ["caf\u00e9=1", "café", "1"],
    [bytes("a[b]=1"), "a[b]", "1"],
    ["user:id=7", "user:id", "7"],
  ] as const) {
    assert.deepEqual(
      await page(visitor, (cookies) => [cookies.get(name), cookies.getAll(name), cookies.has(name)], sent),
      [read, [read], true],
      sent,
    );
  }
});

/** What a browser keeps in a name and in a value, as bytes of a header, the odd ones often. */
const keptByte = (but: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom(...'[]:"(),/@?{}\\<> \t%=_-azAZ09'.replaceAll(new RegExp(`[${but}]`, "g"), "")),
    fc.constantFrom("é", "€", "日", "\u2028").map((text) => Buffer.from(text).toString("latin1")),
    fc.integer({ min: 0x80, max: 0xff }).map((code) => String.fromCodePoint(code)),
  );
const keptCookie = fc.record({
  prefix: fc.constantFrom("", "", "__Host-", "__Secure-", "__Http-", "__Host-Http-"),
  name: fc.oneof(
    fc.array(keptByte("="), { minLength: 1, maxLength: 12 }).map((parts) => parts.join("")),
    fc.string({
      unit: fc.constantFrom(...Array.from("[]:,()/@?{}\\<> \t%_aZ9")),
      minLength: 1,
      maxLength: 12,
    }),
  ),
  value: fc.array(keptByte(""), { maxLength: 12 }).map((parts) => parts.join("")),
});

/** The text of a header's bytes, as `iconv` would say it; where it is none, Latin-1. */
function textOf(bytes: string): string {
  const buffer = Buffer.from(bytes, "latin1");
  return isUtf8(buffer) ? buffer.toString() : bytes;
}

test("any cookie that a browser keeps can be read, and removed if its name is ASCII", async (t) => {
  const site = new Site(t);
  let kept = 0;
  await fc.assert(
    fc.asyncProperty(keptCookie, async ({ prefix, name, value }) => {
      const visitor = site.visitor();
      const cookie = visitor.jar.receive(`${prefix}${name}=${value}; Path=/; Secure; HttpOnly`, home);
      if (cookie === undefined || cookie.name === "") return;
      kept++;
      const known = textOf(cookie.name);
      // What is not ASCII no server writes the same in every response.
      const isAscii = !/[^\0-\x7f]/.test(known);
      const read = await page(visitor, (cookies) => {
        const got = cookies.get(known);
        if (isAscii) cookies.delete(known);
        else assert.throws(() => cookies.delete(known), { code: "COOKIE_INVALID" });
        assert.equal(cookies.get(known), isAscii ? undefined : got);
        return got;
      });
      const text = textOf(cookie.value);
      let expected = text;
      try {
        expected = decodeURIComponent(text);
      } catch {
        // Not percent-encoded, whatever it looks like.
      }
      assert.equal(read, expected);
      if (isAscii) assert.deepEqual(visitor.jar.cookies, []);
    }),
    { numRuns: 500 },
  );
  assert.ok(kept > 300, `${kept}`);
});

test("what no browser sends as a name is not deleted, nor the session's own cookie in disguise", async (t) => {
  const site = new Site(t);
  const response = await site.visitor().send((at) => {
    const cookies = site.sessions.cookies(at);
    for (const name of [
      "",
      "a=b",
      "a;b",
      "a\nb",
      "a\0",
      " a",
      "a\t",
      "\ud800",
      "__Host-Http-session",
      " __Host-Http-session",
      "__Host-Http-session\t",
      "x".repeat(4097),
    ]) {
      assert.throws(() => cookies.delete(name), { code: "COOKIE_INVALID" }, JSON.stringify(name));
    }
    assert.throws(() => cookies.delete("__Host-a[b]", { path: "/x" }), { code: "COOKIE_INVALID" });
    assert.throws(() => cookies.set("a[b]", "1"), { code: "COOKIE_INVALID" });
    return new Response();
  });
  assert.equal(response.status, 200);
  assert.deepEqual(response.headers.getSetCookie(), []);
});

test("the model of a browser drops what browsers drop", () => {
  const jar = new CookieJar(() => 0);
  const dropped = [
    "__Host-a=1; Secure",
    "__Host-a=1; Path=/",
    "__Host-a=1; Path=/; Secure; Domain=site.example",
    "__Secure-a=1; Path=/",
    "__http-a=1; Secure",
    "a=1; Domain=evil.example",
    "a=1; SameSite=None",
    "a=1; Partitioned",
    "=",
    `a=${"x".repeat(4096)}`,
    "a=\0",
    "__Host-a",
    "a=1; Max-Age=0",
  ];
  for (const line of dropped) assert.equal(jar.receive(line, home), undefined, line);
  assert.deepEqual(jar.cookies, []);
});

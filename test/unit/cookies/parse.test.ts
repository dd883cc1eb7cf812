import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parse as honoParse } from "hono/utils/cookie";
import { cookieValues, parseCookieHeader } from "../../../src/cookies/parse.ts";
import { CookieJar } from "../../support/cookie-jar.ts";

/** The same once more, word by word from RFC 6265bis 5.4 and 4.2: slow, and simple enough to be believed. */
function reference(header: string): Map<string, string[]> {
  const cookies = new Map<string, string[]>();
  for (const part of header.split(";").slice(0, 256)) {
    const [name = "", ...rest] = part.split("=");
    const trim = (text: string): string => text.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "");
    if (rest.length === 0 || trim(name) === "") continue;
    cookies.set(trim(name), [...(cookies.get(trim(name)) ?? []), trim(rest.join("="))]);
  }
  return cookies;
}

const piece = fc.constantFrom(
  "__Host-Http-session",
  "__host-session",
  "__Host-Http-session=",
  "a",
  "b",
  "=",
  "==",
  ";",
  "; ",
  ";;",
  ",",
  '"',
  "\\",
  "%",
  "%3B",
  "%00",
  " ",
  "\t",
  "\u00a0",
  "\u0085",
  "\ufeff",
  "\u2028",
  "\v",
  "\f",
  "\0",
  "\r",
  "\n",
  "$Version",
  "__proto__",
  "\ud800",
  "ü",
);
const header = fc.oneof(
  fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join("")),
  fc.string({ unit: "binary", maxLength: 100 }),
);

test("it reads any header as the slow reading from the RFC does, and never throws", () => {
  fc.assert(
    fc.property(header, (text) => {
      assert.deepEqual(parseCookieHeader(text), reference(text));
    }),
    { numRuns: 20_000 },
  );
});

test("the values of one name are those that reading all of them finds under it", () => {
  const name = fc.oneof(piece, fc.string({ unit: "binary", minLength: 1, maxLength: 3 }));
  const many = fc
    .array(fc.constantFrom("a=1;", "a;", ";", "b = 2 ;"), { minLength: 250, maxLength: 265 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof({ arbitrary: header, weight: 20 }, many), name, (text, other) => {
      const all = parseCookieHeader(text);
      for (const each of [other, ...all.keys()])
        assert.deepEqual(cookieValues(text, each), all.get(each) ?? [], JSON.stringify([text, each]));
    }),
    { numRuns: 20_000 },
  );
});

test("what a browser's model sends is read as it was kept, in its order", () => {
  const name = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/);
  const value = fc.stringMatching(/^[!#-+\--:<-[\]-~]{0,40}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), (pairs) => {
      const jar = new CookieJar(() => 0);
      for (const [each, text] of pairs)
        jar.receive(`${each}=${text}; Path=/; Secure`, "https://site.example/");
      const read = parseCookieHeader(jar.header("https://site.example/") ?? "");
      assert.deepEqual(
        Array.from(read, ([each, values]) => [each, ...values]),
        jar.cookies
          .toSorted((one, other) => one.created - other.created)
          .map((cookie) => [cookie.name, cookie.value]),
      );
    }),
    // A name that comes twice is rare, and keeps its first place.
    {
      numRuns: 1000,
      examples: [
        [
          [
            ["a", "1"],
            ["b", "2"],
            ["a", "3"],
          ],
        ],
      ],
    },
  );
});

test("where Hono's parser reads a cookie too, ours has read the same value, but for quotes and escapes", () => {
  fc.assert(
    fc.property(header, (text) => {
      const ours = parseCookieHeader(text);
      for (const [name, value] of Object.entries(honoParse(text))) {
        if (/["%]/.test(text)) continue;
        // Hono passes over values that no cookie may have; then its first is not ours.
        assert.ok(ours.get(name)?.includes(value), JSON.stringify([name, text]));
      }
    }),
    { numRuns: 20_000 },
  );
});

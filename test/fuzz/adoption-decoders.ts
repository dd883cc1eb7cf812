import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { deflateSync } from "node:zlib";
import {
  fromAuthJs,
  fromCookieSession,
  fromExpressSession,
  fromFlask,
  fromIronSession,
  fromKoaSession,
  fromNextAuth,
} from "coatcheck/adopt";
import type { AdoptionSource } from "coatcheck/adopt";
import { parseFlaskJson } from "../../src/adopt/flask-json.ts";
import type { Format } from "../../src/adopt/format.ts";
import { parseOldData } from "../../src/adopt/old-data.ts";
import { parseCookieHeader } from "../../src/cookies/parse.ts";
import { cookieSessionCookies, expressCookie, flaskCookie } from "../adopt/old-systems.ts";
import type { Decoder } from "./decoders.ts";

const secret = "a secret of the system before, long enough";
const now = 1_700_000_000_000;
const common = { secret, until: new Date(now), take: () => undefined };

/** How each system's cookies are read. */
const formats = [
  fromExpressSession({ ...common, store: { read: () => undefined } }),
  fromCookieSession(common),
  fromKoaSession({ ...common, cookie: { name: "koa" } }),
  fromIronSession({ ...common, cookie: { name: "iron" } }),
  fromNextAuth(common),
  fromAuthJs(common),
  fromFlask({ ...common, cookie: { name: "flask" } }),
].map((source) => (source as AdoptionSource & { readonly format: Format }).format);

/** Reads all credentials of a Cookie header. @returns how many there are. */
function readAll(header: string): number {
  const cookies = parseCookieHeader(header);
  let count = 0;
  for (const format of formats) {
    for (const found of format.find(cookies, now)) {
      if (typeof found !== "object") continue;
      count++;
      assert.ok(found.identity.length > 0 && found.cookies.length > 0);
      const old = found.read();
      assert.ok(old === undefined || (typeof old === "object" && !Array.isArray(old)));
    }
  }
  return count;
}

const headers = [
  `connect.sid=${expressCookie("an id", secret)}`,
  cookieSessionCookies({ user: "leo" }, secret),
  cookieSessionCookies({ user: "leo", _expire: now + 1000 }, secret, "koa"),
  `flask=${flaskCookie('{"user":"leo"}', secret, now / 1000)}`,
  // Made by iron-session, next-auth and Auth.js, in form.
  `iron=Fe26.2*1*${"0a".repeat(32)}*${"a".repeat(21)}A*${"b".repeat(43)}*1700000000000*${"0a".repeat(32)}*${"c".repeat(42)}A~2`,
  `next-auth.session-token=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..${"a".repeat(16)}.${"b".repeat(40)}.${"c".repeat(21)}A`,
  `authjs.session-token.0=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..${"a".repeat(21)}A.; authjs.session-token.1=${"b".repeat(40)}.${"c".repeat(42)}A`,
];

const flaskTexts = [
  '{"user":"leo","n":9223372036854775808,"f":-1.5e+300,"x":[NaN,-Infinity,true,null]}',
  '{"t":{" t":[1,{" b":"AP/+"}]},"u":{" u":"12345678123456781234567812345678"},"d":{" d":"Thu, 29 Feb 2024 12:34:56 GMT"}}',
  '{" di":{" t__":{" m":"<b>"}}}',
].map((text) => Buffer.from(text));

/** Signs a payload as Flask does. */
function flaskSigned(payload: string): string {
  const signed = `${payload}.${Buffer.from([0x65, 0x53, 0xf1, 0x00]).toString("base64url")}`;
  const key = createHmac("sha1", secret).update("cookie-session").digest();
  return `flask=${signed}.${createHmac("sha1", key).update(signed).digest("base64url")}`;
}

/** What reads cookies of the systems before. */
export const adoptionDecoders: Readonly<Record<string, () => Decoder>> = {
  "an old cookie": () => ({
    seeds: headers.map((header) => Buffer.from(header)),
    decode: (input) => void readAll(input.toString("latin1")),
  }),
  "a signed old session": () => ({
    seeds: [...flaskTexts, Buffer.from('{"user":"leo","_expire":1800000000000}')],
    decode(input) {
      const part = input.subarray(0, 3000);
      const text = part.toString("latin1");
      const signed = [
        flaskSigned(part.toString("base64url")),
        flaskSigned(`.${deflateSync(part).toString("base64url")}`),
        cookieSessionCookies(text, secret),
        cookieSessionCookies(text, secret, "koa"),
      ];
      for (const header of signed) readAll(header);
    },
  }),
  "a compressed old session": () => ({
    seeds: flaskTexts.map((text) => deflateSync(text)),
    decode(input) {
      const found = readAll(flaskSigned(`.${input.subarray(0, 9000).toString("base64url")}`));
      assert.equal(found, input.length === 0 ? 0 : 1);
    },
  }),
  "Flask's JSON": () => ({
    seeds: flaskTexts,
    decode(input) {
      try {
        parseFlaskJson(input.toString());
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    },
  }),
  "an old record": () => ({
    seeds: ['{"cookie":{"expires":"2026-01-01T00:00:00.000Z"},"user":"leo"}'].map((text) =>
      Buffer.from(text),
    ),
    decode(input) {
      const old = parseOldData(input.toString());
      assert.ok(old === undefined || !JSON.stringify(old).includes('"__proto__":'));
    },
  }),
};

import { randomBytes, randomInt } from "node:crypto";
import type { Site, Visitor } from "./site.ts";

/** Somebody who is logged in, with something of everything in the session. */
export async function visitorWithEverything(site: Site): Promise<Visitor> {
  const visitor = site.visitor();
  await visitor.login("leo");
  await visitor.with((session) => {
    session.set("x", { deep: [1] });
    session.set("y", "untouched");
    session.flash("hello");
  });
  return visitor;
}

/** Stored texts with the name __proto__ in them, in every spelling that JSON has for it. */
export const textsWithProto: readonly string[] = [
  '{"__proto__":{"admin":true}}',
  '{"\\u005f_proto__":{"admin":true}}',
  '{"a":[{"__proto__":1}]}',
  '{"\\u005f\\u005fproto\\u005f\\u005f":null,"b":1}',
  '{"$Map":[["a",{"__proto__":{}}]]}',
  '{"$$":{"__proto__":{}}}',
  '{"$__proto__":{"admin":true}}',
];

/** Bytes of every kind that could lie in a field: noise, and things that other systems would run or revive. */
export function* hostileBlobs(count: number): Generator<Uint8Array> {
  const payloads = [
    "",
    "null",
    "undefined",
    "{",
    '"',
    "\u0000",
    '{"$Date":"x"}',
    '{"$Date":null}',
    '{"$Map":{}}',
    '{"$Map":[1]}',
    '{"$Set":"x"}',
    '{"$bigint":"1e9"}',
    '{"$bigint":"0x"}',
    '{"$URL":"javascript:alert(1)//"}',
    '{"$URL":"::"}',
    '{"$bytes":1}',
    '{"$number":"NaN"}',
    '{"$function":"process.exit()"}',
    '{"$Error":"x"}',
    '{"rce":"_$$ND_FUNC$$_function(){process.exit(1)}()"}',
    '{"__proto__":{"admin":true}}',
    '{"type":"Buffer","data":[1]}',
    "rO0ABXNyABNqYXZhLnV0aWwuSGFzaHRhYmxl",
    'O:8:"stdClass":0:{}',
    "\x80\x04\x95cos\nsystem\n",
    "[".repeat(100_000),
    `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
    `${'{"$Set":['.repeat(50_000)}${"]}".repeat(50_000)}`,
  ];
  for (const payload of payloads) yield Buffer.from(payload);
  for (let at = 0; at < count; at++) yield randomBytes(randomInt(0, 80));
}

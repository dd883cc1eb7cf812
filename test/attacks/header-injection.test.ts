import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { CoatcheckError } from "coatcheck";
import type { CookieAttributes } from "coatcheck";
import { CookieJar } from "../support/cookie-jar.ts";
import { home, Site, testEverywhere } from "../support/site.ts";

const injections = [
  "a\r\nSet-Cookie: evil=1",
  "a\nb",
  "a\rb",
  "a\0b",
  "a; Domain=evil.example",
  "a;b",
  "a,b",
  "a\u2028b",
  "a\u010d\u010ab",
  "a\u00e9",
  "a\x7f",
  "a\tb",
  "\ud800",
];

/** A cookie of such a name can be deleted: browsers keep it, and send it. */
const keptNames = ["a,b", "a\tb"];

testEverywhere("[12] a deletion carries nothing but the name that it deletes", async (site) => {
  const response = await site.visitor().send((at) => {
    for (const name of keptNames) site.sessions.cookies(at).delete(name);
    return new Response();
  });
  assert.deepEqual(
    response.headers.getSetCookie(),
    keptNames.map(
      (name) =>
        `${name}=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=Lax`,
    ),
  );
});

testEverywhere(
  "[12] a cookie's name and attributes can't carry anything else into the header",
  async (site) => {
    const visitor = site.visitor();
    const response = await visitor.send((at) => {
      const cookies = site.sessions.cookies(at);
      for (const evil of injections) {
        const tries: [string, CookieAttributes][] = [
          [evil, {}],
          ["a", { domain: evil }],
          ["a", { sameSite: evil as "lax" }],
          ["a", { priority: evil as "low" }],
          ["a", { [evil]: true }],
        ];
        // A path may hold a comma; all the rest it may not.
        if (evil !== "a,b") tries.push(["a", { path: `/${evil}` }]);
        for (const [name, attributes] of tries) {
          for (const kind of [cookies, cookies.signed, cookies.sealed]) {
            assert.throws(
              () => kind.set(name, "v", attributes),
              CoatcheckError,
              JSON.stringify([name, attributes]),
            );
          }
          const { maxAge: _, ...scope } = attributes;
          if (!keptNames.includes(name)) assert.throws(() => cookies.delete(name, scope), CoatcheckError);
        }
      }
      return new Response();
    });
    assert.equal(response.status, 200);
    assert.deepEqual(response.headers.getSetCookie(), []);
  },
);

/** So that what is good in all its parts comes up often enough. */
function often<T>(arbitrary: fc.Arbitrary<T>): {
  readonly arbitrary: fc.Arbitrary<T>;
  readonly weight: number;
} {
  return { arbitrary, weight: 8 };
}

const attributes: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    path: fc.oneof(
      often(fc.constantFrom("/", "/a", "/a b", "/a ")),
      fc.string({ unit: "binary" }).map((text) => `/${text}`),
    ),
    domain: fc.oneof(
      often(fc.constantFrom("site.example", "SITE.example", "example")),
      fc.string({ unit: "binary" }),
    ),
    secure: fc.boolean(),
    httpOnly: fc.boolean(),
    sameSite: fc.oneof(
      often(fc.constantFrom("strict", "lax", "none")),
      fc.constantFrom("Lax", "x; Domain=evil"),
    ),
    partitioned: fc.boolean(),
    priority: fc.oneof(often(fc.constantFrom("low", "medium", "high")), fc.constant("x")),
    maxAge: fc.record({ days: fc.integer({ min: -1, max: 450 }) }),
  },
  { requiredKeys: [] },
);

test("[12] whatever is asked, either it is refused or a browser keeps exactly that", async (t) => {
  const site = new Site(t);
  let kept = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        often(fc.constantFrom("a", "__Host-a", "__Secure-a", "__http-a")),
        fc.string({ unit: "binary" }),
      ),
      fc.string({ unit: "binary" }),
      attributes,
      async (name, value, asked) => {
        let error: unknown;
        const response = await site.send(new Request(home), (at) => {
          try {
            site.sessions.cookies(at).set(name, value, asked);
          } catch (thrown) {
            error = thrown;
          }
          return new Response();
        });
        const [line, ...more] = response.headers.getSetCookie();
        if (line === undefined) {
          assert.ok(error instanceof CoatcheckError, `refused with ${String(error)}`);
          return;
        }
        assert.equal(error, undefined);
        assert.deepEqual(more, []);
        const jar = new CookieJar(() => site.clock.now());
        const path = typeof asked["path"] === "string" ? asked["path"] : "/";
        const domain = typeof asked["domain"] === "string" ? asked["domain"].toLowerCase() : undefined;
        const host = domain ?? "site.example";
        const cookie = jar.receive(line, `https://${host}/`);
        const days = (asked["maxAge"] as { days: number } | undefined)?.days;
        assert.ok(cookie, `a browser drops ${line}`);
        const { value: raw, created: _, ...rest } = cookie;
        assert.deepEqual(rest, {
          name,
          domain: host,
          hostOnly: domain === undefined,
          path,
          secure: asked["secure"] ?? true,
          httpOnly: asked["httpOnly"] ?? true,
          sameSite: asked["sameSite"] ?? "lax",
          partitioned: asked["partitioned"] ?? false,
          priority: capitalized(asked["priority"]),
          expires: days === undefined ? undefined : site.clock.now() + days * 86_400_000,
        });
        // And what the browser sends back reads as it was set.
        const header = `${name}=${raw}`;
        await site.send(new Request(home, { headers: { cookie: header } }), (at) => {
          assert.equal(site.sessions.cookies(at).get(name), value);
          return new Response();
        });
        kept++;
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(kept > 200, `${kept} were kept`);
});

function capitalized(word: unknown): string | undefined {
  return typeof word === "string" ? word.slice(0, 1).toUpperCase() + word.slice(1) : undefined;
}

testEverywhere(
  "[12] any text goes through a plain, signed or sealed cookie and a browser unharmed",
  async (site) => {
    const texts = [
      ...injections.slice(0, -1),
      "",
      " ",
      '"quoted"',
      "a=b",
      "%",
      "%41",
      "%zz",
      "ü🙂",
      "\\",
      "a b",
      "+",
      ".",
    ];
    for (const text of texts) {
      const visitor = site.visitor();
      await visitor.send((at) => {
        const cookies = site.sessions.cookies(at);
        cookies.set("plain", text);
        cookies.signed.set("signed", text);
        cookies.sealed.set("sealed", text);
        return new Response();
      });
      assert.equal(visitor.jar.cookies.length, 3, JSON.stringify(text));
      const response = await visitor.send((at) => {
        const cookies = site.sessions.cookies(at);
        return Response.json([
          cookies.get("plain"),
          cookies.signed.get("signed"),
          cookies.sealed.get("sealed"),
        ]);
      });
      assert.deepEqual(await response.json(), [text, text, text]);
    }
  },
);

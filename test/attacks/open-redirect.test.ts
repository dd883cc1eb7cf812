import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { safeReturnPath } from "coatcheck";

const home = "https://site.example/login";

/** Every trick of published advisories, and some more; none may lead anywhere else, and none may throw. */
const corpus = [
  "https://evil.example",
  "https://evil.example/",
  "http://site.example/",
  "https://site.example@evil.example/",
  "https://site.example.evil.example/",
  "//evil.example",
  "///evil.example",
  "////evil.example",
  "/\\evil.example",
  "\\/evil.example",
  "\\\\evil.example",
  "/\\/evil.example",
  "//\\evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "/\r/evil.example",
  "/\r\n/evil.example",
  "\t//evil.example",
  " //evil.example",
  "\0//evil.example",
  "/ /evil.example",
  "/..//evil.example",
  "/.//evil.example",
  "/x/..//evil.example",
  "/x/../..//evil.example",
  "/%2e%2e//evil.example",
  "/%2e//evil.example",
  "/.%2e//evil.example",
  "/x/%2E%2E//evil.example",
  "/./\\evil.example",
  "/a\\b",
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "java\nscript:alert(1)",
  "data:text/html,x",
  "vbscript:x",
  "mailto:x@evil.example",
  "evil.example",
  "http:evil.example",
  "https:/evil.example",
  "http:///evil.example",
  "?//evil.example",
  "#//evil.example",
  "/\u00a0/evil.example",
  "/\u2028/evil.example",
  "/\u3002/evil.example",
  "\uff0f\uff0fevil.example",
  "/\uff0fevil.example",
  "/\ud800",
  "/a\r\nSet-Cookie: evil=1",
  "/a\0b",
  "",
  "/".padEnd(2049, "a"),
];

describe("[70][71][72] a return path never leaves the site", () => {
  for (const target of corpus) {
    test(`${JSON.stringify(target.slice(0, 40))} leads to the fallback`, () => {
      assert.equal(safeReturnPath(target, "/safe"), "/safe");
    });
  }

  test("what is no string leads to the fallback", () => {
    for (const target of [
      undefined,
      null,
      0,
      {},
      ["/a"],
      { toString: () => "/a" },
      new String("/a"),
      Symbol("/a"),
    ]) {
      assert.equal(safeReturnPath(target), "/");
    }
  });

  test("paths of this site are followed, query and fragment included", () => {
    const paths = [
      "/",
      "/a",
      "/a/b?c=d&e=/f#g",
      "/?next=//evil.example",
      "/a//b",
      "/%2f%2fevil",
      "/a:b",
      "/@x",
      "/~x",
    ];
    for (const path of paths) assert.equal(safeReturnPath(path, "/no"), path);
    assert.equal(safeReturnPath("/".padEnd(2048, "a"), "/no"), "/".padEnd(2048, "a"));
    assert.equal(safeReturnPath("/a/../b/./c"), "/b/c");
  });

  const piece = fc.constantFrom(
    "/",
    "\\",
    ".",
    "..",
    "%2e",
    "%2F",
    "%5c",
    "\t",
    "\n",
    "\r",
    " ",
    "@",
    ":",
    "?",
    "#",
    "evil.example",
    "https:",
    "a",
    "\u00a0",
    "\0",
  );
  test("whatever is put together from the pieces of such tricks, a browser stays here", () => {
    let followed = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const target = pieces.join("");
        const path = safeReturnPath(target, "/fallback");
        if (path !== "/fallback") followed++;
        // A browser resolves the Location header against the page that sent it.
        assert.equal(new URL(path, home).origin, "https://site.example");
        // And once more, for a proxy that has resolved it already.
        const once = new URL(path, home);
        assert.equal(new URL(once.pathname + once.search + once.hash, home).origin, "https://site.example");
        assert.match(path, /^\/(?![/\\])[\x21-\x7e]*$/);
        assert.equal(safeReturnPath(path, "/no"), path);
      }),
      { numRuns: 20_000 },
    );
    assert.ok(followed > 100, `${followed} were followed`);
  });
});

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { scripts } from "../../scripts/build.ts";
import { declarations } from "../../scripts/declarations.ts";

const folders: string[] = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A folder of files as tsc writes them. */
function compiled(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-compiled-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
    const map = {
      version: 3,
      sources: [`/there/src/${name}`],
      sourcesContent: [text],
      names: [],
      mappings: "AAAA",
    };
    writeFileSync(join(folder, `${name}.map`), JSON.stringify(map));
  }
  return folder;
}

/** What a module of the package would be after the build. */
async function built(text: string): Promise<Record<string, unknown>> {
  const files = await scripts(compiled({ "made.js": text }), ["made"]);
  const url = `data:text/javascript,${encodeURIComponent(files["made.js"] ?? "")}`;
  return (await import(url)) as Record<string, unknown>;
}

describe("the build of the JavaScript", () => {
  for (const call of [
    "decodeURIComponent(text)",
    "decodeURI(text)",
    "encodeURIComponent(text)",
    "new URL(text)",
    "JSON.parse(text)",
    "atob(text)",
    "new RegExp(text)",
    "BigInt(text)",
    "new Headers([[text, text]])",
    "text.missing.missing",
  ]) {
    test(`keeps ${call}, whose answer nobody looks at and which may throw`, async () => {
      const { isRefused } = await built(`
        export function isRefused(text) {
          try { ${call}; return false; } catch { return true; }
        }`);
      // Half of a pair of surrogates, a percent sign with nothing behind it, an open group: no call takes it.
      assert.equal((isRefused as (text: string) => boolean)("\ud800 %("), true);
    });
  }

  test("keeps an object that is made for what its making does to another", async () => {
    const { marked } = await built(`
      class ReturnOverride { constructor(object) { return object; } }
      class Marked extends ReturnOverride { mark = true; }
      export function marked(object) { new Marked(object); return object; }`);
    assert.deepEqual((marked as (object: object) => object)({}), { mark: true });
  });

  test("leaves a function where it was made, also if only one other calls it", async () => {
    const { "made.js": text } = await scripts(
      compiled({
        "made.js": "function only(a) { return a + 1; }\nconst f = (b) => only(b);\nexport const g = f;\n",
      }),
      ["made"],
    );
    assert.match(text ?? "", /^function only\(e\)\{return e\+1\}const f=\w=>only\(\w\),\w=f/);
  });

  test("keeps the names of functions and classes, for stack traces", async () => {
    const { Waiting, fail } = await built(`
      class Waiting { static forSomebody() { throw new Error("here"); } }
      function nameless() { Waiting.forSomebody(); }
      export { Waiting, nameless as fail };`);
    assert.equal((Waiting as { name: string }).name, "Waiting");
    assert.throws(fail as () => void, ({ stack }: Error) =>
      /Waiting\.forSomebody[^]*nameless/.test(stack ?? ""),
    );
  });

  test("puts nothing around functions and classes", async () => {
    const files = await scripts(
      compiled({ "made.js": "export class A { #b = 1; static c = (d) => d; }\n" }),
      ["made"],
    );
    assert.match(files["made.js"] ?? "", /^class A\{#(\w)=1\nstatic c=(\w)=>\2\}export\{A\}\n/);
  });

  test("gives every file a map that holds its sources", async () => {
    const files = await scripts(compiled({ "stores/made.js": "export const made = 1;\n" }), ["stores/made"]);
    const map = JSON.parse(files["stores/made.js.map"] ?? "") as {
      sources: string[];
      sourcesContent: string[];
    };
    assert.deepEqual(map.sources, ["../../src/stores/made.js"]);
    assert.deepEqual(map.sourcesContent, ["export const made = 1;\n"]);
  });
});

describe("the build of the declarations", () => {
  const build = (files: Readonly<Record<string, string>>): Record<string, string> =>
    declarations(compiled(files), ["index", "stores/sea"]);

  test("has what entry points lead to, with comments where users see the name", () => {
    const files = build({
      "index.d.ts": 'export type { Coat } from "./core/coat.ts";\nexport { hang } from "./core/coat.ts";\n',
      "core/coat.d.ts": [
        'import type { Hook } from "./hook.ts";\n/** What hangs. */\nexport declare class Coat {',
        "    #private;\n    /** Not for users. */\n    constructor(secret: Secret);\n    /** Its hook. */\n    hook: Hook;\n}",
        "/** Hangs a coat. */\nexport declare function hang(coat: Coat): void;",
        "/** Led to by nothing. */\nexport interface Secret {\n    a: 1;\n}\n",
      ].join("\n"),
      "core/hook.d.ts": "/** Within. */\nexport interface Hook {\n    /** Where. */\n    at: number;\n}\n",
      "stores/sea.d.ts":
        'import type { KeyObject } from "node:crypto";\nexport declare const key: KeyObject;\n',
    });
    assert.deepEqual(files, {
      "index.d.ts": [
        'import { Hook } from "./core.js";',
        "/** What hangs. */\ndeclare class Coat {\n\t#private;\n\t/** Its hook. */\n\thook: Hook;\n}",
        "/** Hangs a coat. */\nexport function hang(coat: Coat): void;\nexport { type Coat };\n",
      ].join("\n"),
      "stores/sea.d.ts": 'import { KeyObject } from "node:crypto";\nexport const key: KeyObject;\n',
      "core.d.ts": "export interface Hook {\n\tat: number;\n}\n",
    });
  });

  test("declares what several entry points offer in the first of them", () => {
    const files = build({
      "index.d.ts": 'export type { Coat } from "./core/coat.ts";\n',
      "core/coat.d.ts": "export interface Coat {\n    size: 1;\n}\n",
      "stores/sea.d.ts": 'export type { Coat } from "../core/coat.ts";\n',
    });
    assert.equal(files["index.d.ts"], "export interface Coat {\n\tsize: 1;\n}\n");
    assert.equal(files["stores/sea.d.ts"], 'export { type Coat } from "../index.js";\n');
  });

  test("exports from an entry point what it offers, and nothing that this only leads to", () => {
    const { "stores/sea.d.ts": sea } = build({
      "index.d.ts": "export {};\n",
      "stores/sea.d.ts": "export interface Sea {\n    salt: Salt;\n}\ninterface Salt {\n    a: 1;\n}\n",
    });
    assert.equal(sea, "export interface Sea {\n\tsalt: Salt;\n}\ninterface Salt {\n\ta: 1;\n}\nexport {};\n");
  });

  test("has each paragraph of a comment on one line", () => {
    const { "index.d.ts": index } = build({
      "index.d.ts": [
        "/**\n * Two\n * lines.\n *\n * A list:\n * - one, of\n *   two lines\n * - two\n *\n * @throws what\n *   goes wrong\n */",
        "export interface Coat {\n    /**\n     * One\n     * sentence.\n     */\n    size: 1;\n}\n",
      ].join("\n"),
      "stores/sea.d.ts": "export {};\n",
    });
    assert.equal(
      index,
      [
        "/**\n * Two lines.\n *\n * A list:\n * - one, of two lines\n * - two\n *\n * @throws what goes wrong\n */",
        "export interface Coat {\n\t/** One sentence. */\n\tsize: 1;\n}\n",
      ].join("\n"),
    );
  });

  test("keeps the constructors of classes that users make objects of", () => {
    const files = build({
      "index.d.ts": 'export { Fault } from "./errors.ts";\n',
      "errors.d.ts":
        "export declare class Fault extends Base {\n    constructor(code: number);\n}\ndeclare class Base {\n    /** Why. */\n    why: string;\n}\n",
      "stores/sea.d.ts": "export {};\n",
    });
    assert.match(files["index.d.ts"] ?? "", /constructor\(code: number\);/);
    assert.match(files["core.d.ts"] ?? "", /Why\./, "and the comments that they inherit");
  });

  for (const [fault, source, message] of [
    ["a statement that it does not know", "export default class {\n}\n", /unknown statement/],
    ["a name that nothing declares", 'export { lost } from "./core/lost.ts";\n', /has no lost/],
    ["a name that is another in its file", "interface A {\n}\nexport type { A as B };\n", /two names/],
  ] as const) {
    test(`stops at ${fault}`, () => {
      const rest = { "core/lost.d.ts": "export {};\n", "stores/sea.d.ts": "export {};\n" };
      assert.throws(() => build({ "index.d.ts": source, ...rest }), message);
    });
  }

  test("stops at two things of one name in a file", () => {
    assert.throws(
      () =>
        build({
          "index.d.ts": 'export { a } from "./core/a.ts";\nexport { b } from "./core/b.ts";\n',
          "core/a.d.ts": "interface Same {\n}\nexport declare const a: Same;\n",
          "core/b.d.ts": "interface Same {\n}\nexport declare const b: Same;\n",
          "stores/sea.d.ts": "export {};\n",
        }),
      /twice/,
    );
  });
});

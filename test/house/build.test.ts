import assert from "node:assert/strict";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { bundle, copyDeclarations } from "../../scripts/build.ts";

const folders: string[] = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A folder of files as tsc writes them, and an empty one for what the build makes of them. */
function compiled(files: Readonly<Record<string, string>>): { from: string; to: string } {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-compiled-"));
  folders.push(folder);
  const from = join(folder, "from");
  for (const [name, text] of Object.entries({ "package.json": '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(from, name)), { recursive: true });
    writeFileSync(join(from, name), text);
  }
  const to = join(folder, "to");
  mkdirSync(to);
  writeFileSync(join(to, "package.json"), '{"type":"module"}');
  return { from, to };
}

/** The files of a folder, with what they hold. */
function filesIn(folder: string, pattern: string): Record<string, string> {
  const names = globSync(pattern, { cwd: folder }).map((name) => name.replaceAll("\\", "/"));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** What a module of the package would be after the build. */
async function built(text: string): Promise<Record<string, unknown>> {
  const { from, to } = compiled({ "made.js": text });
  await bundle(from, ["made"], to);
  return (await import(join(to, "made.js"))) as Record<string, unknown>;
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
    test(`keeps ${call}, whose result is unused and which may throw`, async () => {
      const { isRefused } = await built(`
        export function isRefused(text) {
          try { ${call}; return false; } catch { return true; }
        }`);
      // Half of a pair of surrogates, a percent sign with nothing behind it, an open group: no call takes it.
      assert.equal((isRefused as (text: string) => boolean)("\ud800 %("), true);
    });
  }

  test("keeps an object that is made for what its constructor does to another", async () => {
    const { marked } = await built(`
      class ReturnOverride { constructor(object) { return object; } }
      class Marked extends ReturnOverride { mark = true; }
      export function marked(object) { new Marked(object); return object; }`);
    assert.deepEqual((marked as (object: object) => object)({}), { mark: true });
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

  test("keeps the code as tsc wrote it, comments, unused functions and all", async () => {
    const text = [
      "/** A hook for a coat. */",
      "export class Hook {",
      "    // Empty at first.",
      "    #coat = undefined;",
      "}",
      "/** Called by nobody. */",
      "function unused(first) {",
      "    return first + 1;",
      "}",
      "",
    ].join("\n");
    const { from, to } = compiled({ "made.js": text });
    await bundle(from, ["made"], to);
    const { "made.js": made } = filesIn(to, "**/*.js");
    assert.equal(made, `${text.replace("export ", "")}\nexport { Hook };\n`);
  });

  test("joins what entry points share, and keeps the parts of a store with it", async () => {
    const { from, to } = compiled({
      "index.js": 'export { hang } from "./record/hang.js";\n',
      "record/hang.js": "export function hang() { return 1; }\nexport function take() { return 1; }\n",
      "stores/sea.js":
        'import { take } from "../record/hang.js";\nimport { salt } from "./sea/salt.js";\nexport const sea = () => take() + salt();\n',
      "stores/sea/salt.js": "export function salt() { return 2; }\n",
    });
    await bundle(from, ["index", "stores/sea"], to);
    const files = filesIn(to, "**/*.js");
    assert.deepEqual(Object.keys(files).toSorted(), ["index.js", "shared.js", "stores/sea.js"]);
    assert.match(files["shared.js"] ?? "", /function hang\(\)/);
    assert.match(files["stores/sea.js"] ?? "", /from '\.\.\/shared\.js'[^]*function salt\(\)/);
    const { sea } = (await import(join(to, "stores/sea.js"))) as { sea: () => number };
    assert.equal(sea(), 3);
  });

  test("keeps what needs node:http from those who load no adapter for Node", async () => {
    const { from, to } = compiled({
      "index.js": 'export { hang } from "./hang.js";\n',
      "hang.js": "export function hang() { return 1; }\nexport function take() { return 1; }\n",
      "node/head.js": 'import { STATUS_CODES } from "node:http";\nexport const head = STATUS_CODES;\n',
      "adapters/node.js":
        'import { take } from "../hang.js";\nimport { head } from "../node/head.js";\nexport const node = [take, head];\n',
      "adapters/koa.js": 'import { node } from "./node.js";\nexport const koa = [node];\n',
    });
    await bundle(from, ["index", "adapters/node", "adapters/koa"], to);
    const files = Object.entries(filesIn(to, "**/*.js"));
    const holders = files.filter(([, text]) => text.includes("node:http")).map(([name]) => name);
    assert.equal(holders.length, 1);
    const leading = files.filter(([, text]) => text.includes(holders[0] ?? "")).map(([name]) => name);
    assert.deepEqual(
      leading.filter((name) => !name.startsWith("adapters/")),
      [],
    );
  });

  test("stops at an import of something that is missing", async () => {
    const { from, to } = compiled({ "made.js": 'export { lost } from "lost";\n' });
    await assert.rejects(bundle(from, ["made"], to), /lost/);
  });
});

describe("the build of the declarations", () => {
  test("copies the modules that entry points lead to, as tsc wrote them", () => {
    const { from, to } = compiled({
      "index.d.ts": 'export type { Coat } from "./record/coat.ts";\n',
      "record/coat.d.ts":
        'import type { KeyObject } from "node:crypto";\nimport {\n    Hook\n} from "../hook.ts";\n/** From "./hook.ts". */\nexport interface Coat {\n    hook: Hook;\n    key: KeyObject;\n}\n',
      "hook.d.ts": "export interface Hook {\n    at: 1;\n}\n",
      "unused.d.ts": "export {};\n",
    });
    copyDeclarations(from, ["index"], to);
    assert.deepEqual(filesIn(to, "**/*.ts"), {
      "index.d.ts": 'export type { Coat } from "./record/coat.js";\n',
      "record/coat.d.ts":
        'import type { KeyObject } from "node:crypto";\nimport {\n    Hook\n} from "../hook.js";\n/** From "./hook.ts". */\nexport interface Coat {\n    hook: Hook;\n    key: KeyObject;\n}\n',
      "hook.d.ts": "export interface Hook {\n    at: 1;\n}\n",
    });
  });
});

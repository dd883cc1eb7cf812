import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { importsOf } from "./imports.ts";
import type { Files } from "./imports.ts";
import { maxLines, rules } from "./rules.ts";

const root = dirname(dirname(import.meta.dirname));

function repository(): Files {
  const found = globSync(["{src,app,test,bench,scripts}/**/*.{ts,mjs}", "examples/*.ts"], { cwd: root })
    .filter((file) => !/(?:^|[\\/])(?:node_modules|\.next)[\\/]/.test(file))
    .toSorted();
  return new Map(
    found.map((path) => [path.replaceAll("\\", "/"), readFileSync(join(root, path), "utf8")] as const),
  );
}

/** For each rule, by its first words: files that break it, with the paths that must be named, and files that do not. */
const proofs: Record<string, { bad: Record<string, string>[]; good: Record<string, string> }> = {
  "src has the rooms": {
    bad: [{ "src/misc/a.ts": "" }, { "src/ticket.ts": "" }],
    good: {
      "src/index.ts": "",
      "src/errors.ts": "",
      "src/runtime/a.ts": "",
      "src/sessions.ts": "",
      "src/testing.ts": "",
      "src/testing/a.ts": "",
    },
  },
  "a room of src imports only": {
    bad: [
      { "src/errors.ts": 'import { a } from "./runtime/a.ts";' },
      { "src/runtime/a.ts": 'import type { Store } from "../record/store.ts";' },
      { "src/record/a.ts": 'export {\n  a,\n  b,\n} from "../index.ts";' },
      { "src/stores/a.ts": 'const a = await import("../services/limits.ts");' },
      { "src/stores/a.ts": 'import { createKeyring } from "../crypto/keyring.ts";' },
      { "src/adapters/a.ts": 'import "../testing.ts";' },
      { "src/testing/a.ts": 'import { memoryStore } from "../stores/memory.ts";' },
      { "src/session/a.ts": 'type A = import("../exchange/exchange.ts").A;' },
      { "src/exchange/a.ts": 'import type { Sessions } from "../sessions.ts";' },
      { "src/http/a.ts": 'import data from "../../package.json" with { type: "json" };' },
    ],
    good: {
      "src/runtime/a.ts":
        'import { E } from "../errors.ts";\nimport { b } from "./b.ts";\n// import "../stores/memory.ts"',
      "src/stores/a.ts": 'import type { Store } from "../record/store.ts";',
      "src/session/a.ts": 'import type { Services } from "../services/services.ts";',
      "src/testing/a.ts": 'import { clauses } from "./clauses.ts";',
      "src/index.ts": 'export { a } from "./session/a.ts";\nexport { b } from "./runtime/b.ts";',
    },
  },
  "no files of src or app import each other": {
    bad: [
      { "src/http/a.ts": 'import { a } from "./a.ts";' },
      {
        "src/http/a.ts": 'import type { B } from "./b.ts";',
        "src/http/b.ts": 'import { c } from "./c.ts";',
        "src/http/c.ts": 'import type { A } from "./a.ts";',
      },
      { "app/a.ts": 'import { b } from "./b.ts";', "app/b.ts": 'import { a } from "./a.ts";' },
    ],
    good: {
      "src/http/a.ts": 'import { b } from "./b.ts";\nimport { c } from "./c.ts";',
      "src/http/b.ts": 'import { c } from "./c.ts";',
      "src/http/c.ts": "",
    },
  },
  "stores and adapters never": {
    bad: [
      { "src/stores/sqlite.ts": 'import { copy } from "./memory.ts";' },
      { "src/adapters/hono.ts": 'import { fetchSessions } from "./fetch.ts";' },
      { "src/adapters/express.ts": 'import { k } from "./koa.ts";' },
      { "src/stores/redis.ts": 'import { a } from "./postgres/a.ts";' },
      { "src/stores/redis/a.ts": 'import { b } from "../postgres/b.ts";' },
      { "src/stores/redis/a.ts": 'import { redisStore } from "../redis.ts";' },
    ],
    good: {
      "src/stores/redis.ts": 'import { a } from "./redis/a.ts";',
      "src/stores/redis/a.ts": 'import { b } from "./b.ts";',
      "src/adapters/express.ts": 'import { n } from "./node.ts";',
      "src/adapters/koa.ts": 'import { n } from "./node.ts";',
      "src/http/a.ts": 'import { b } from "./b.ts";',
    },
  },
  "src imports nothing but Node": {
    bad: [
      { "src/http/a.ts": 'import type { Context } from "hono";' },
      { "src/adapters/fetch.ts": 'import type { Context } from "hono";' },
      { "src/adapters/hono.ts": 'import { createMiddleware } from "hono/factory";' },
      { "src/stores/sqlite.ts": 'import Database from "better-sqlite3";' },
      { "src/stores/memory.ts": 'import { readFile } from "fs";' },
    ],
    good: {
      "src/adapters/hono.ts": 'import type { Context, MiddlewareHandler } from "hono";',
      "src/stores/sqlite.ts": 'import { DatabaseSync } from "node:sqlite";',
    },
  },
  "app imports the package": {
    bad: [
      { "app/main.ts": 'import { createSessions } from "../src/index.ts";' },
      { "app/main.ts": 'import { createSessions } from "../dist/index.js";' },
    ],
    good: {
      "app/main.ts": 'import { createSessions } from "coatcheck";\nimport { users } from "./users.ts";',
    },
  },
  "nothing but tests": {
    bad: [
      { "src/http/a.ts": 'import { b } from "../../test/support/b.ts";' },
      { "app/main.ts": 'import { b } from "../test/support/b.ts";' },
    ],
    good: { "test/sessions/a.test.ts": 'import { b } from "../support/b.ts";' },
  },
  "relative imports name": {
    bad: [
      { "src/http/a.ts": 'import { b } from "./b";' },
      { "test/a.test.ts": 'import { b } from "../src/b.js";' },
      { "test/a.test.ts": 'import { b } from "../src";' },
    ],
    good: { "test/a.test.ts": 'import { b } from "./b.ts";\nimport { c } from "../scripts/run.mjs";' },
  },
  "no default exports": {
    bad: [
      { "src/http/a.ts": "export default 1;" },
      { "app/a.ts": "const a = 1;\nexport { a as default };" },
      { "test/a.ts": "export default function () {}" },
    ],
    good: { "src/http/a.ts": "// export default\nexport const a = 1;" },
  },
  "no `export *`": {
    bad: [
      { "src/index.ts": 'export * from "./http/a.ts";' },
      { "src/index.ts": 'export type * from "./http/a.ts";' },
      { "src/index.ts": 'export * as a from "./http/a.ts";' },
    ],
    good: { "src/index.ts": 'export { a } from "./http/a.ts";\nexport type { B } from "./http/b.ts";' },
  },
  "no file or folder": {
    bad: [{ "src/http/utils.ts": "" }, { "test/helpers/a.ts": "" }, { "app/html-helper.ts": "" }],
    good: { "src/crypto/ticket.ts": "", "test/support/jar.ts": "" },
  },
  "a file of src": {
    bad: [{ "src/http/a.ts": "a;\n".repeat(maxLines + 1) }],
    good: { "src/http/a.ts": "a;\n".repeat(maxLines), "test/a.test.ts": "a;\n".repeat(maxLines * 2) },
  },
  "src reads no environment": {
    bad: [
      { "src/http/a.ts": "const a = process.env.SECRET;" },
      { "src/stores/a.ts": "const { env } = process;" },
      { "src/stores/a.ts": 'const a = process["env"];' },
      { "src/adapters/a.ts": 'import { env } from "node:process";' },
    ],
    good: {
      "src/http/a.ts": "/** Not process.env. */ process.pid;",
      "app/main.ts": "process.env.PORT",
      "src/services/development-warnings.ts": "process.env.NODE_ENV",
    },
  },
};

describe("the layout of the house", () => {
  const files = repository();

  test("the files are found", () => {
    for (const folder of ["src/session/", "src/stores/", "src/adapters/", "app/", "test/", "scripts/"]) {
      assert.ok(
        [...files.keys()].some((path) => path.startsWith(folder)),
        `no file in ${folder}`,
      );
    }
  });

  for (const rule of rules) {
    test(rule.name, () => {
      assert.deepEqual(rule.faults(files), []);
    });

    test(`can fail: ${rule.name}`, () => {
      const proof = Object.entries(proofs).find(([start]) => rule.name.startsWith(start))?.[1];
      assert.ok(proof, "this rule has no proof that it can fail");
      for (const bad of proof.bad) {
        const faults = rule.faults(new Map(Object.entries(bad)));
        const [path = ""] = Object.keys(bad);
        assert.equal(faults.length, 1, `one fault expected in ${JSON.stringify(bad)}`);
        assert.ok(faults[0]?.startsWith(`${path}: `), faults[0]);
      }
      assert.deepEqual(rule.faults(new Map(Object.entries(proof.good))), []);
    });
  }
});

describe("reading imports", () => {
  test("every form is found, over several lines too, and none inside a comment", () => {
    const text = [
      'import a from "./a.ts";',
      "import {",
      "  b, // with a note",
      '} from "./b.ts";',
      "import './c.ts';",
      'export type { D } from "../d.ts";',
      'const e = await import("./e.ts");',
      'import type { F } from "f";',
      '// import "./no.ts";',
      "/*",
      'import "./no.ts";',
      "*/",
      'const url = "https://x/*"; import("./g.ts"); // */',
    ].join("\n");
    const found = importsOf("src/http/x.ts", text).map(({ specifier }) => specifier);
    assert.deepEqual(found.toSorted(), ["../d.ts", "./a.ts", "./b.ts", "./c.ts", "./e.ts", "./g.ts", "f"]);
    assert.equal(
      importsOf("src/http/x.ts", text).find(({ specifier }) => specifier === "../d.ts")?.target,
      "src/d.ts",
    );
  });
});

// docs/stores-cloudflare.md: its configurations and its Workers, as they stand there, in workerd.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import { generateSecret } from "coatcheck";
import { CookieJar } from "coatcheck/testing";
import { layOut } from "../../scripts/pack.ts";
import { startWorker, withoutMiniflare } from "./miniflare.ts";

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "stores-cloudflare.md"), "utf8");

const programs = join(import.meta.dirname, "programs", "node_modules");

function blocksOf(language: string): string[] {
  return Array.from(
    page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm")),
    ([, code = ""]) => code,
  );
}

/** What is used of a configuration of wrangler. */
interface Configuration {
  readonly compatibility_date: string;
  readonly compatibility_flags: string[];
  readonly d1_databases?: { readonly binding: string }[];
  readonly durable_objects?: { readonly bindings: { readonly name: string; readonly class_name: string }[] };
  readonly migrations?: { readonly new_sqlite_classes: string[] }[];
  readonly triggers: { readonly crons: string[] };
}

/** JSON with a comma after the last entry, which is all of JSONC that the page uses. */
function configurationOf(text: string): Configuration {
  return JSON.parse(text.replaceAll(/,(?=\s*[\]}])/g, "")) as Configuration;
}

/** What wrangler would tell Miniflare. */
function optionsOf(configuration: Configuration): object {
  const classes = configuration.migrations?.flatMap((migration) => migration.new_sqlite_classes) ?? [];
  const objects = (configuration.durable_objects?.bindings ?? []).map(({ name, class_name: className }) => [
    name,
    { className, useSQLite: classes.includes(className) },
  ]);
  return {
    compatibilityDate: configuration.compatibility_date,
    compatibilityFlags: configuration.compatibility_flags,
    d1Databases: configuration.d1_databases?.map(({ binding }) => binding) ?? [],
    durableObjects: Object.fromEntries(objects),
    bindings: { SESSION_SECRET: generateSecret() },
  };
}

describe("the page about Cloudflare", { skip: process.env["CI"] ? false : withoutMiniflare }, () => {
  const workers = blocksOf("typescript");
  const configurations = blocksOf("jsonc").map(configurationOf);
  const [migration = ""] = blocksOf("sql");

  for (const [at, store] of ["D1", "Durable Objects"].entries()) {
    test(`has a Worker with ${store} that logs in and out, and sweeps`, async () => {
      const configuration = configurations[at];
      assert.ok(configuration);
      assert.equal(configuration.triggers.crons.length, 1);
      const code = stripTypeScriptTypes(workers[at] ?? "");
      const worker = await startWorker([{ path: "index.js", code }], optionsOf(configuration));
      try {
        const jar = new CookieJar();
        const visit = async (path: string, form?: string): Promise<string> => {
          const response = await worker.fetch(path, {
            headers: {
              ...(jar.header !== undefined && { cookie: jar.header }),
              ...(form !== undefined && { "content-type": "application/x-www-form-urlencoded" }),
            },
            ...(form !== undefined && { method: "POST", body: form }),
          });
          jar.take(response);
          return response.status === 303 ? visit("/") : response.text();
        };
        assert.match(await visit("/"), /<form method="post" action="\/login">/);
        assert.equal(await visit("/login", "name=lea"), "Hello, lea!");
        await worker.runCron();
        assert.equal(await visit("/"), "Hello, lea!", "what is not expired is not swept");
        assert.match(await visit("/logout", ""), /<form/);
      } finally {
        await worker.close();
      }
    });
  }

  test("has Workers that the compiler accepts, with the types that Cloudflare gives them", async () => {
    const folder = mkdtempSync(join(programs, ".cache", "types-"));
    try {
      await layOut(join(folder, "node_modules", "coatcheck"));
      const types = join(programs, "@cloudflare", "workers-types", "index.d.ts");
      for (const [at, code] of workers.entries()) {
        mkdirSync(join(folder, `${at}`));
        writeFileSync(join(folder, `${at}`, "index.ts"), code);
        // What `wrangler types` makes of the configurations.
        const bound = "SESSION_SECRET: string; DB: D1Database; SESSIONS: DurableObjectNamespace";
        const shard = at === 0 ? "" : '<import("./index.ts").SessionShard>';
        const text = `/// <reference path="${types}" />\ndeclare namespace Cloudflare { interface Env { ${bound}${shard} } }\n`;
        writeFileSync(join(folder, `${at}`, "env.d.ts"), text);
      }
      const compilerOptions = {
        target: "ES2024",
        lib: ["ES2024"],
        module: "ESNext",
        moduleResolution: "Bundler",
      };
      const strict = {
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        types: [],
      };
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({ compilerOptions: { ...compilerOptions, ...strict } }),
      );
      for (const at of workers.keys()) {
        const config = { extends: "../tsconfig.json", include: ["."] };
        writeFileSync(join(folder, `${at}`, "tsconfig.json"), JSON.stringify(config));
        const compiler = join(import.meta.dirname, "..", "..", "node_modules", "typescript", "bin", "tsc");
        const args = [compiler, "--project", join(folder, `${at}`), "--pretty", "false"];
        const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
        assert.equal(stdout, "");
        assert.equal(status, 0);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("shows the table of D1 as the store creates it", () => {
    const source = readFileSync(
      join(import.meta.dirname, "..", "..", "src", "stores", "cloudflare", "d1.ts"),
      "utf8",
    );
    const words = (text: string): string => text.replaceAll(/[\s;]+/g, " ").trim();
    for (const statement of migration
      .split(";")
      .map(words)
      .filter((text) => text !== "")) {
      assert.ok(
        words(source.replaceAll("${table}", "coatcheck_session")).includes(
          statement.replaceAll(/\s*;?$/g, ""),
        ),
        statement,
      );
    }
  });

  test("has two Workers that differ only in their store", () => {
    const [one = "", other = ""] = workers.map((code) =>
      code
        .split("\n")
        .filter((line) => !/d1Store|durableObjectStore|SessionShard/.test(line) && line !== "")
        .join("\n"),
    );
    assert.equal(one, other);
  });
});

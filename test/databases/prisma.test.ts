import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Store } from "coatcheck";
import type { PoolConfig } from "pg";
import { pgPool, schema } from "../stores/postgres-server.ts";
import { impatient, poolConfig, postgresTests, skip } from "./postgres.ts";
import { folder, load, recipe } from "./recipes.ts";

let open: () => Store;
let openImpatient: () => Store;
if (skip === false) {
  const { PrismaPg } = await load("@prisma/adapter-pg");
  // The command does not need the engine, whose binary it would download; it looks only for the file.
  execFileSync(process.execPath, [join(folder, "node_modules", "prisma", "build", "index.js"), "generate"], {
    cwd: folder,
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: "1" },
    stdio: "pipe",
  });
  await pgPool(poolConfig).query(await tableOf("schema.prisma", new PrismaPg(poolConfig)));
  const { PrismaClient } = await recipe("generated/client.ts");
  const { prismaStore } = await recipe("prisma.ts");
  const connect = (config: PoolConfig) => {
    const prisma = new PrismaClient({ adapter: new PrismaPg(config, { schema }) });
    after(async () => prisma.$disconnect());
    return prisma;
  };
  const prisma = connect(poolConfig);
  open = () => prismaStore(prisma);
  const other = connect(impatient);
  openImpatient = () => prismaStore(other);
}

postgresTests(
  "Prisma",
  () => open(),
  () => openImpatient(),
);

// Here, because Prisma's client has just been generated.
test("the files in examples/databases have the types they say", { skip }, () => {
  const compiler = join(folder, "..", "..", "node_modules", "typescript", "bin", "tsc");
  const done = spawnSync(process.execPath, [compiler, "--pretty", "false", "-p", folder], {
    encoding: "utf8",
  });
  assert.equal(done.status, 0, done.stdout);
});

/** The migration that `prisma migrate` would make of a schema: from the same engine, compiled to WebAssembly. */
async function tableOf(file: string, adapter: object): Promise<string> {
  const { bindMigrationAwareSqlAdapterFactory: bind } = await load("@prisma/driver-adapter-utils");
  const engine = await load("@prisma/schema-engine-wasm/schema_engine_bg");
  const path = createRequire(join(folder, "package.json")).resolve("@prisma/schema-engine-wasm");
  const code = readFileSync(join(path, "..", "schema_engine_bg.wasm"));
  const { WebAssembly: compiler } = globalThis as unknown as {
    readonly WebAssembly: {
      instantiate(
        code: Uint8Array,
        imports: object,
      ): Promise<{ instance: { exports: Record<string, unknown> } }>;
    };
  };
  const { instance } = await compiler.instantiate(code, { "./schema_engine_bg.js": engine });
  // oxlint-disable-next-line no-underscore-dangle -- the name that wasm-bindgen gives it
  engine.__wbg_set_wasm(instance.exports);
  (instance.exports["__wbindgen_start"] as () => void)();
  const content = readFileSync(join(folder, file), "utf8");
  const model = await engine.SchemaEngine.new({ datamodels: [[file, content]] }, () => {}, bind(adapter));
  const { stdout } = await model.diff({
    from: { tag: "empty" },
    to: { tag: "schemaDatamodel", files: [{ path: file, content }] },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  // It would make the schema `public`, in which this process has no table.
  return stdout.replace(/^CREATE SCHEMA .*$/m, "");
}

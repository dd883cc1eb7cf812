import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { Store } from "coatcheck";
import type { PoolConfig } from "pg";
import { schema } from "../stores/postgres-server.ts";
import { impatient, poolConfig, postgresTests, skip } from "./postgres.ts";
import { folder, load, recipe } from "./recipes.ts";

let open: () => Store;
let openImpatient: () => Store;
if (skip === false) {
  const { drizzle } = await load("drizzle-orm/node-postgres");
  const { migrate } = await load("drizzle-orm/node-postgres/migrator");
  const { Pool } = await load("pg");
  const { drizzleStore } = await recipe("drizzle.ts");
  const connect = (config: PoolConfig) => {
    const pool = new Pool(config);
    after(async () => pool.end());
    return drizzle(pool);
  };
  const db = connect(poolConfig);
  const migrationsFolder = mkdtempSync(join(tmpdir(), "coatcheck-drizzle-"));
  const kit = join(folder, "node_modules", "drizzle-kit", "bin.cjs");
  const options = ["--dialect", "postgresql", "--schema", "drizzle.ts", "--out", migrationsFolder];
  execFileSync(process.execPath, [kit, "generate", ...options], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: "--conditions=coatcheck-source" },
    stdio: "pipe",
  });
  await migrate(db, { migrationsFolder, migrationsSchema: schema });
  rmSync(migrationsFolder, { recursive: true });
  open = () => drizzleStore(db);
  const other = connect(impatient);
  openImpatient = () => drizzleStore(other);
}

postgresTests(
  "Drizzle",
  () => open(),
  () => openImpatient(),
);

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { postgresStore } from "coatcheck/postgres";
import { storeContract } from "coatcheck/testing";
import { Pool } from "pg";
import postgres from "postgres";
import { databaseUrl, schema, withoutPostgres } from "./postgres-server.ts";
import { freePort } from "../support/free-port.ts";

const program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"].find((path) =>
  existsSync(path),
);
const skip =
  withoutPostgres || (program === undefined && "PgBouncer is not here; install the package pgbouncer");

describe("the postgres store through PgBouncer in transaction mode", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-pgbouncer-"));
  let url = "";
  let stop: () => void = () => {};
  before(async () => {
    const { hostname, port, username, password, pathname } = new URL(databaseUrl);
    const own = await freePort();
    const to = `host=${hostname} port=${port || 5432} user=${username} ${password && `password=${password}`}`;
    const config = [
      `[databases]\n${pathname.slice(1)} = ${to}`,
      `[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${own}\nunix_socket_dir =\nauth_type = any`,
      "pool_mode = transaction\ndefault_pool_size = 3\nserver_round_robin = 1\nmax_client_conn = 200",
    ];
    writeFileSync(join(folder, "pgbouncer.ini"), `${config.join("\n")}\n`);
    // Like PostgreSQL it refuses to run as root.
    const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"]));
    const owner = process.getuid?.() === 0 ? { uid: id("-u"), gid: id("-g") } : undefined;
    if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
    const child = spawn(program ?? "", [join(folder, "pgbouncer.ini")], {
      ...owner,
      cwd: folder,
      stdio: "ignore",
    });
    stop = () => child.kill("SIGINT");
    url = `postgres://${username}@127.0.0.1:${own}${pathname}`;
    for (let turn = 0; turn < 100 && !(await listens(own)); turn++) await wait(50);
  });
  after(() => {
    stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const clients = {
    pg() {
      const pool = new Pool({ connectionString: url, max: 20 });
      return { client: pool, end: async () => pool.end() };
    },
    // As the guide says.
    "postgres.js"() {
      const sql = postgres(url, { max: 20, prepare: false, fetch_types: false });
      return { client: sql, end: async () => sql.end() };
    },
  };

  for (const [name, open] of Object.entries(clients)) {
    test(`keeps its contract (${name})`, async () => {
      const { client, end } = open();
      for (const clause of storeContract) {
        await clause.check(() => postgresStore({ client, schema, durability: "full" }));
      }
      await end();
    });

    test(`leaves nothing behind on the connections that others get (${name})`, async () => {
      const { client, end } = open();
      const store = postgresStore({ client, schema, durability: "full" });
      await Promise.all(Array.from({ length: 30 }, async (_, at) => store.read(`none-${at}`, 0)));
      const other = new Pool({ connectionString: url, max: 3 });
      const settings = await Promise.all(
        Array.from({ length: 12 }, async () =>
          other.query<{ left: string }>(
            "SELECT concat_ws(' ', current_setting('lock_timeout'), (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory')) AS left",
          ),
        ),
      );
      assert.deepEqual(new Set(settings.map(({ rows }) => rows[0]?.left)), new Set(["0 0 0"]));
      await other.end();
      await end();
    });
  }
});

async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

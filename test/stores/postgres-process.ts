// Run by postgres.test.ts in a process of its own: `node postgres-process.ts <what> <url> <schema>`.

import { postgresStore } from "coatcheck/postgres";
import { Client, Pool } from "pg";

const [what, url = "", schema = ""] = process.argv.slice(2);

/** Says something to the test, and goes on when it answers. */
async function say(line: string): Promise<void> {
  process.stdout.write(`${line}\n`);
  await new Promise((resolve) => process.stdin.once("data", resolve));
}

switch (what) {
  // Waits for all others, and makes the table together with them.
  case "migrate": {
    const pool = new Pool({ connectionString: url, max: 1 });
    await pool.query("SELECT 1");
    await say("ready");
    await postgresStore({ client: pool, schema }).migrate();
    await pool.end();
    break;
  }
  // Has an idle connection, which the test ends, and reads again.
  case "idle": {
    const pool = new Pool({ connectionString: url, application_name: schema });
    const store = postgresStore({ client: pool, schema });
    await store.read("x", 0);
    await say("idle");
    await store.read("x", 0);
    await pool.end();
    break;
  }
  // The same with the one connection of a client, which is lost for good.
  case "idle-client": {
    const client = new Client({ connectionString: url, application_name: schema });
    await client.connect();
    const store = postgresStore({ client, schema });
    await store.read("x", 0);
    await say("idle");
    let failed = false;
    try {
      await store.read("x", 0);
    } catch {
      failed = true;
    }
    process.exit(failed ? 0 : 3);
  }
  // A pool that nobody listens to, as a control.
  default: {
    const pool = new Pool({ connectionString: url, application_name: schema });
    await pool.query("SELECT 1");
    await say("idle");
    await pool.end();
  }
}
process.exit(0);

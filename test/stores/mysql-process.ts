// Run by mysql.test.ts in a process of its own: `node mysql-process.ts <what> <url> <table>`.

import { mysqlStore } from "coatcheck/mysql";
import * as mariadb from "mariadb";
import * as mysql from "mysql2/promise";
import { libraries, mariadbOptions } from "./mysql-server.ts";
import type { Library } from "./mysql-server.ts";

const [what, url = "", table = "", library = "mysql2"] = process.argv.slice(2);

/** Says something to the test, and goes on when it answers. */
async function say(line: string): Promise<void> {
  process.stdout.write(`${line}\n`);
  await new Promise((resolve) => process.stdin.once("data", resolve));
}

// Has one idle connection, which the test ends, and is lost for good. The process goes on.
if (what === "idle-connection") {
  const client =
    library === "mariadb"
      ? await mariadb.createConnection(mariadbOptions(url))
      : await mysql.createConnection(url);
  const store = mysqlStore({ client, table });
  await store.read("x", 0);
  await say("idle");
  const failed = await Promise.resolve(store.read("x", 0)).then(
    () => false,
    () => true,
  );
  process.exit(failed ? 0 : 3);
}

const { client, end } = libraries[library as Library]({}, url);
const store = mysqlStore({ client, table });
if (what === "migrate") {
  // Waits for all others, and makes the table together with them.
  await say("ready");
  await store.migrate();
} else {
  // Has idle connections, which the test ends, and reads again.
  await Promise.all([store.read("x", 0), store.read("x", 0), store.read("x", 0)]);
  await say("idle");
  await store.read("x", 0);
}
await end();
process.exit(0);

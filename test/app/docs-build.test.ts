import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { dataFolder } from "./program.ts";

const title =
  "what builds the documentation has a low priority, and ends with the site, with all its programs";

test(title, { timeout: 60_000 }, async (t) => {
  const folder = dataFolder(t);
  const buildDocs = import.meta.resolve("../../app/docs-build.ts");
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  // A build that has started a program, as VitePress would be: it is connected to the test as long as it runs.
  writeFileSync(
    join(folder, "program.mjs"),
    `import { connect } from "node:net";
     import { getPriority } from "node:os";
     connect(${port}, "127.0.0.1").on("close", () => process.exit()).write(String(getPriority()));`,
  );
  writeFileSync(
    join(folder, "build.mjs"),
    `import { spawnSync } from "node:child_process";
     spawnSync(process.execPath, ["program.mjs"]);`,
  );
  writeFileSync(
    join(folder, "site.mjs"),
    `import { buildDocs } from ${JSON.stringify(buildDocs)};
     process.on("SIGTERM", () => process.exit(0));
     setInterval(() => {}, 1_000);
     buildDocs("build.mjs");`,
  );
  const site = spawn(process.execPath, ["site.mjs"], { cwd: folder });
  t.after(() => site.kill("SIGKILL"));
  const [program] = (await once(server, "connection")) as [Socket];
  t.after(() => program.destroy());
  const [priority] = (await once(program, "data")) as [Buffer];
  assert.equal(Number(priority), constants.priority.PRIORITY_LOW);
  const isGone = once(program, "close");
  site.kill("SIGTERM");
  assert.deepEqual(await once(site, "exit"), [0, null]);
  await isGone;
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { dataFolder, start } from "../app/program.ts";
import { Visitor } from "../app/visitor.ts";

/** One request on a connection of its own, which goes to the next process in turn. */
async function health(address: string): Promise<number | undefined> {
  const [response] = await once(get(`${address}/health`, { agent: false }), "response");
  response.resume();
  return response.statusCode;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("four processes behind one port", async (t) => {
  const program = await start(t, { DATA_DIR: dataFolder(t), WORKERS: "4" });
  const [, list = ""] = await program.prints(/4 processes are running: (.+)\./);
  const pids = list.split(", ").map(Number);
  const address = program.address!.replace("localhost", "127.0.0.1");
  const visitor = new Visitor({ url: address });
  const count = async () => /id="count">(\d+)</.exec((await visitor.get("/counter")).body)?.[1];

  await t.test("200 increments at once give 200", async () => {
    await visitor.login();
    const answers = await Promise.all(Array.from({ length: 200 }, () => visitor.post("/counter")));
    assert.ok(answers.every(({ status }) => status === 303));
    assert.equal(await count(), "200");
  });

  await t.test("each of them answers", async () => {
    for (const pid of pids) {
      const others = pids.filter((other) => other !== pid);
      for (const other of others) process.kill(other, "SIGSTOP");
      // One to each: whoever answers while the others stand still is the one that does not.
      const requests = pids.map(() => health(address));
      assert.equal(await Promise.any(requests), 200);
      for (const other of others) process.kill(other, "SIGCONT");
      assert.deepEqual(await Promise.all(requests), [200, 200, 200, 200]);
    }
  });

  await t.test("one that dies is replaced, and nobody is logged out", async () => {
    process.kill(pids[0]!, "SIGKILL");
    await program.prints(new RegExp(`Process ${pids[0]} ended \\(SIGKILL\\) and is being replaced`));
    assert.equal((await visitor.get("/user")).status, 200);
    assert.equal(await count(), "200");
  });

  await t.test("SIGTERM ends them all, cleanly", async () => {
    program.child.kill("SIGTERM");
    const [code] = await once(program.child, "close");
    assert.equal(code, 0, program.printed());
    assert.deepEqual(pids.filter(isRunning), []);
  });
});

test("processes that die again and again are not replaced for ever", async (t) => {
  const folder = dataFolder(t);
  const program = await start(t, { DATA_DIR: folder, WORKERS: "2" });
  const [, pid] = await program.prints(/2 processes are running: (\d+)/);
  // From now on no process of this site can start.
  writeFileSync(join(folder, "secret.key"), "");
  process.kill(Number(pid), "SIGKILL");
  const [code] = await once(program.child, "close");
  assert.equal(code, 1);
  assert.equal(program.printed().match(/is being replaced/g)?.length, 4);
  assert.match(program.printed(), /Too many have ended within a minute, so the site stops\./);
});

test("what keeps processes from starting is said once, and ends them all", async (t) => {
  const { child, address, printed } = await start(t, {
    DATA_DIR: dataFolder(t),
    WORKERS: "3",
    SESSION_SECRET: "1234",
  });
  assert.equal(address, undefined);
  assert.equal(child.exitCode, 1);
  assert.equal(printed().match(/did not start/g)?.length, 1);
});

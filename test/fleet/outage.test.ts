import assert from "node:assert/strict";
import { test } from "node:test";
import { dataFolder, start } from "../app/program.ts";
import { Visitor } from "../app/visitor.ts";
import { MariadbServer, withoutMariadbServer } from "../faults/mariadb-server.ts";
import { RedisServer, until, withoutRedis } from "../stores/redis-server.ts";

/** Everything acknowledged is on the disk. */
const kept = ["--appendonly", "yes", "--appendfsync", "always"];

test("a site whose Redis is away says so, and goes on when it is back", { skip: withoutRedis }, async (t) => {
  const redis = await RedisServer.start(kept);
  await redis.kill();
  const program = await start(t, { DATA_DIR: dataFolder(t), STORE: redis.url });
  assert.ok(program.address, program.printed());
  await program.prints(/^Redis at 127\.0\.0\.1:\d+ does not answer \(.*ECONNREFUSED/m);
  const visitor = new Visitor({ url: program.address });
  assert.equal((await visitor.get("/health")).status, 200, "a page without a session");
  assert.equal((await visitor.login()).status, 503);

  await redis.run();
  await program.prints(/answers again/);
  assert.equal((await visitor.login()).status, 303);
  const { ticket } = visitor;

  await redis.kill();
  const away = await visitor.get("/user");
  assert.equal(away.status, 503);
  assert.match(away.body, /You have not been logged out/);
  assert.equal(away.headers.get("Retry-After"), "5");
  assert.equal(visitor.ticket, ticket);
  assert.equal((await visitor.get("/health")).status, 200);

  await redis.run();
  await until("the visitor is known again", async () => (await visitor.get("/user")).status === 200);
  assert.equal(program.child.exitCode, null);
});

test(
  "a site whose MySQL is away says so, and goes on when it is back",
  { skip: withoutMariadbServer },
  async (t) => {
    const server = await MariadbServer.start();
    t.after(async () => server.remove());
    await server.stop("SIGKILL");
    const program = await start(t, { DATA_DIR: dataFolder(t), STORE: server.url });
    assert.ok(program.address, program.printed());
    await program.prints(/^MySQL at 127\.0\.0\.1:\d+ does not answer \(.*ECONNREFUSED/m);
    const visitor = new Visitor({ url: program.address });
    assert.equal((await visitor.get("/health")).status, 200, "a page without a session");
    assert.equal((await visitor.login()).status, 503);

    await server.resume();
    await until("a login works", async () => (await visitor.login()).status === 303);
    await program.prints(/answers again/);

    await server.stop("SIGKILL");
    await program.prints(/does not answer[^]*does not answer/);
    assert.equal((await visitor.get("/user")).status, 503);

    await server.resume();
    await until("the visitor is known again", async () => (await visitor.get("/user")).status === 200);
    assert.equal(program.child.exitCode, null);
  },
);

test(
  "a MySQL that refuses the password keeps the site from starting",
  { skip: withoutMariadbServer },
  async (t) => {
    const server = await MariadbServer.start();
    t.after(async () => server.remove());
    const refused = new URL(server.url);
    refused.password = "wrong-horse";
    const { address, child, printed } = await start(t, { DATA_DIR: dataFolder(t), STORE: refused.href });
    assert.equal(address, undefined, printed());
    assert.equal(child.exitCode, 1);
    assert.match(printed(), /^The site did not start\./);
    assert.doesNotMatch(printed(), /wrong-horse|\n {4}at /);
  },
);

test("a Redis that refuses the password keeps the site from starting", { skip: withoutRedis }, async (t) => {
  const redis = await RedisServer.start(["--requirepass", "correct-horse"]);
  const [none, wrong, right] = await Promise.all(
    ["", ":battery-staple@", ":correct-horse@"].map(async (login) => {
      const STORE = redis.url.replace("://", `://${login}`);
      return start(t, { DATA_DIR: dataFolder(t), STORE });
    }),
  );
  for (const { address, child, printed } of [none!, wrong!]) {
    assert.equal(address, undefined);
    assert.equal(child.exitCode, 1);
    assert.match(printed(), /^The site did not start\. STORE: Redis at 127/);
    assert.doesNotMatch(printed(), /battery/);
  }
  assert.ok(right?.address, right?.printed());
  assert.doesNotMatch(right.printed(), /correct-horse/);
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { dataFolder, start } from "./program.ts";

test("scenario 11: the first start makes a key that only its owner can read, and keeps it", async (t) => {
  const folder = join(dataFolder(t), "data");
  const first = await start(t, { DATA_DIR: folder });
  assert.equal((await fetch(`${first.address}/login`)).status, 200);
  const path = join(folder, "secret.key");
  const key = readFileSync(path, "utf8");
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
  assert.ok(!first.printed().includes(key.trim()));

  chmodSync(path, 0o644);
  first.child.kill("SIGTERM");
  await once(first.child, "exit");
  await start(t, { DATA_DIR: folder });
  assert.equal(readFileSync(path, "utf8"), key);
  assert.equal(statSync(path).mode & 0o077, 0, "a key that others could read is closed");
});

for (const [what, secret] of [
  ["without", ""],
  ["with a short", "1234"],
  ["with a sample", "change-me-change-me-change-me-change-me"],
] as const) {
  test(`scenario 11: ${what} secret key the site does not start, and says how to make one`, async (t) => {
    const { child, address, printed } = await start(t, { DATA_DIR: dataFolder(t), SESSION_SECRET: secret });
    assert.equal(address, undefined);
    assert.equal(child.exitCode, 1);
    assert.match(printed(), /^The site did not start\. Its secret key comes from SESSION_SECRET/);
    assert.match(printed(), /node -p "require\('crypto'\)/);
    assert.doesNotMatch(printed(), /\n {4}at /, "no stack trace");
    if (secret !== "") assert.ok(!printed().includes(secret));
  });
}

test("scenario 11: an emptied key file is not quietly replaced", async (t) => {
  const folder = dataFolder(t);
  writeFileSync(join(folder, "secret.key"), "");
  const { address, printed } = await start(t, { DATA_DIR: folder });
  assert.equal(address, undefined);
  assert.match(printed(), /secret\.key in/);
  assert.equal(readFileSync(join(folder, "secret.key"), "utf8"), "");
});

test("several processes may start at once on a fresh folder: one key, one demo account", async (t) => {
  const folder = join(dataFolder(t), "data");
  const sites = await Promise.all(Array.from({ length: 4 }, () => start(t, { DATA_DIR: folder })));
  for (const { address, printed } of sites) assert.ok(address, printed());
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes("draft")),
    [],
  );
  const login = await fetch(`${sites[0]?.address}/login`, {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({ name: "leo", password: "1234" }),
  });
  assert.equal(login.headers.get("Location"), "/user");
  const cookie = login.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
  for (const { address } of sites) {
    const page = await fetch(`${address}/user`, { headers: { Cookie: cookie }, redirect: "manual" });
    assert.equal(page.status, 200, "each knows who logged in at another");
  }
});

test("a port that another program uses is reported", async (t) => {
  const squatter = createServer().listen(0, "127.0.0.1");
  await once(squatter, "listening");
  t.after(() => squatter.close());
  const address = squatter.address();
  const port = typeof address === "object" ? String(address?.port) : "";
  const { child, printed } = await start(t, { DATA_DIR: dataFolder(t), PORT: port });
  assert.equal(child.exitCode, 1);
  assert.match(printed(), new RegExp(`^The site did not start. Port ${port} is used`));
});

test("the site answers on both of localhost's addresses, and stops cleanly on SIGTERM", async (t) => {
  const { child, address, printed } = await start(t, { DATA_DIR: dataFolder(t) });
  const port = new URL(address ?? "").port;
  for (const host of ["localhost", "127.0.0.1"]) {
    assert.deepEqual(await (await fetch(`http://${host}:${port}/health`)).json(), { ok: true });
  }
  const before = printed();
  child.kill("SIGTERM");
  const [code] = (await once(child, "exit")) as [number | null];
  assert.equal(code, 0);
  assert.equal(printed(), before);
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError, createSessions, generateSecret, StoreError } from "coatcheck";
import { nodeHandshake } from "coatcheck/node";
import { memoryStore } from "coatcheck/memory";
import { sqliteStore } from "coatcheck/sqlite";
import { temporaryFolder } from "../contracts/stores.ts";

/** What `coatcheck` means here, it means in a process of its own; what the test runner was told it does not. */
const conditions = process.execArgv.filter((argument) => argument.startsWith("--conditions"));

test("a site's modules load, and its pages without a session render, with no key, no store and no environment", () => {
  const program = join(import.meta.dirname, "building-process.ts");
  // It also ends by itself: nothing is open that would keep it.
  const printed = execFileSync(process.execPath, [...conditions, program], {
    env: { NODE_ENV: "production" },
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.deepEqual(JSON.parse(printed), {
    memory: "rendered",
    sqlite: "rendered",
    "redis with node-redis": "rendered",
    "redis with ioredis": "rendered",
    "postgres with pg": "rendered",
    "postgres with postgres": "rendered",
    handles: [],
  });
});

test("without its key, every use of a session is refused with how to make one, and answered with 500", async () => {
  const sessions = createSessions({ secret: undefined, store: memoryStore() });
  const missing = { name: "ConfigError", code: "SECRET_MISSING", message: /randomBytes\(32\)/ };
  const request = new Request("http://localhost/");
  const uses: Record<string, (visited: Request) => unknown> = {
    of: (visited) => sessions.of(visited),
    "of, authoritative": (visited) => sessions.of(visited, { authoritative: true }),
    current: () => sessions.current(),
    cookies: (visited) => sessions.cookies(visited).get("a"),
    currentCookies: () => sessions.currentCookies().signed.get("a"),
    list: () => sessions.list("1"),
    revoke: () => sessions.revoke("AAAAAAAAAAAAAAAAAAAAAA"),
    revokeAll: () => sessions.revokeAll("1"),
    check: () => sessions.check(),
    handshake: () => nodeHandshake(sessions, { headers: {} }),
  };
  for (const [name, use] of Object.entries(uses)) {
    for (let time = 1; time <= 2; time++) {
      let failure: unknown;
      const handler = async (visited: Request): Promise<Response> => {
        await assert.rejects(async () => use(visited), missing, name);
        await use(visited);
        return new Response("used");
      };
      const onError = (error: unknown): Response => {
        failure = error;
        return new Response(null, { status: 500 });
      };
      const response = await sessions.handle(request.clone(), handler, { onError });
      assert.equal(response.status, 500, name);
      assert.equal(response.headers.get("set-cookie"), null);
      assert.ok(failure instanceof ConfigError, name);
    }
  }
});

test("check() says what would be wrong with the first request, and is content otherwise", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "sessions.db");
  const secret = generateSecret();
  await assert.rejects(createSessions({ secret: "", store: sqliteStore({ path }) }).check(), ConfigError);
  assert.equal(existsSync(path), false, "without a key the file is not touched");
  const sessions = createSessions({ secret, store: sqliteStore({ path }) });
  assert.equal(existsSync(path), false, "nor before the first use");
  await sessions.check();
  assert.equal(existsSync(path), true);
  const beside = createSessions({ secret, store: sqliteStore({ path: join(path, "sessions.db") }) });
  await assert.rejects(beside.check(), (error) => error instanceof StoreError && error.operation === "open");
  await sessions.close();
  await createSessions({ secret, store: memoryStore() }).check();
});

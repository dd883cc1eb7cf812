// The examples for serverless functions, invoked as their platforms do.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { Pool } from "pg";
import { generateSecret } from "coatcheck";
import { postgresStore } from "coatcheck/postgres";
import { ask, databaseUrl, withoutPostgres } from "../stores/postgres-server.ts";
import { RedisServer, until, withoutRedis } from "../stores/redis-server.ts";
import { upstashDouble } from "../stores/upstash-double.ts";
import { recordOf } from "../support/records.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { eventV1, eventV2, fetched, lambdaOrigin, seenV1, seenV2, Visitor } from "./events.ts";
import type { Invoke } from "./events.ts";

const root = join(import.meta.dirname, "..", "..");
const secret = generateSecret();

/** What every one of the sites does. */
/** The serverless walk: a login, a message, a handler that fails, another site's form, a logout from elsewhere. */
async function walk(invoke: Invoke, origin: string): Promise<void> {
  const visitor = new Visitor(invoke, origin);
  assert.equal((await visitor.get()).text, "Hello, stranger! Visit 1.");
  const login = await visitor.post("/login", { name: "lea" });
  assert.equal(login.status, 303);
  // Each cookie is a header of its own.
  assert.deepEqual(
    login.cookies
      .map((cookie) => cookie.slice(0, cookie.indexOf("=")))
      .toSorted((one, other) => (one < other ? -1 : 1)),
    ["__Host-Http-session", "theme"],
  );
  assert.equal((await visitor.get()).text, "Hello, lea! Visit 1. You are logged in.");
  assert.equal((await visitor.get()).text, "Hello, lea! Visit 2.");

  // What a failed handler set is not kept.
  assert.equal((await visitor.post("/fail")).status, 500);
  assert.equal((await visitor.get()).text, "Hello, lea! Visit 3.");

  // A form on another site.
  assert.equal((await visitor.post("/logout", {}, "https://evil.example")).status, 403);

  // Logged out elsewhere.
  const phone = new Visitor(invoke, origin);
  await phone.post("/login", { name: "lea" });
  assert.equal((await phone.post("/logout-everywhere")).status, 303);
  assert.equal((await visitor.get()).text, "Hello, stranger! Visit 1.");

  const other = new Visitor(invoke, origin);
  await other.post("/login", { name: "leo" });
  const stolen = new Visitor(invoke, origin);
  stolen.jar.take(other.jar.header?.split("; ") ?? []);
  await other.post("/logout");
  assert.equal((await other.get()).text, "Hello, stranger! Visit 1.");
  assert.equal((await stolen.get()).text, "Hello, stranger! Visit 1.");
}

describe("Vercel and Netlify, with Upstash", { skip: withoutRedis }, () => {
  before(async () => {
    const { url, token } = await upstashDouble((await RedisServer.start()).url);
    Object.assign(process.env, {
      SESSION_SECRET: secret,
      UPSTASH_REDIS_REST_URL: url,
      UPSTASH_REDIS_REST_TOKEN: token,
    });
  });

  test("examples/serverless/vercel.ts", async () => {
    const { default: module } = await import("../../examples/serverless/vercel.ts");
    await walk(fetched(module.fetch), "https://shop.example");
  });

  test("examples/serverless/netlify.ts", async () => {
    const { default: handler, config } = await import("../../examples/serverless/netlify.ts");
    assert.deepEqual(config, { path: "/*" });
    await walk(fetched(handler), "https://shop.example");
  });
});

/** An instance of the Lambda function, in a process of its own. */
class Instance {
  readonly #process: ChildProcess;
  readonly #results: AsyncIterator<string>;
  output = "";

  private constructor(database: string) {
    this.#process = spawn(
      process.execPath,
      ["--conditions=coatcheck-source", join(import.meta.dirname, "lambda-process.ts")],
      { env: { PATH: process.env["PATH"], SESSION_SECRET: secret, DATABASE_URL: database } },
    );
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
    const { stdout } = this.#process;
    assert.ok(stdout);
    this.#results = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  static async start(t: TestContext, database: string): Promise<Instance> {
    const instance = new Instance(database);
    t.after(async () => {
      const ended = once(instance.#process, "exit");
      instance.#process.kill("SIGKILL");
      await ended;
    });
    assert.equal(await instance.#next(), "ready", instance.output);
    return instance;
  }

  /** Between two invocations, Lambda stops the whole machine. */
  freeze(): void {
    this.#process.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process.kill("SIGCONT");
  }

  async invoke(event: unknown): Promise<unknown> {
    this.#process.stdin?.write(`${JSON.stringify(event)}\n`);
    return this.#next();
  }

  get v2(): Invoke {
    return async (request) => seenV2(await this.invoke(eventV2(request)));
  }

  get v1(): Invoke {
    return async (request) => seenV1(await this.invoke(eventV1(request)));
  }

  async #next(): Promise<unknown> {
    const { value } = (await this.#results.next()) as { value?: string };
    return value === undefined ? undefined : JSON.parse(value);
  }
}

/** The example keeps its table where everybody does, so it gets a database of its own. */
const databaseName = `coatcheck_serverless_${process.pid}`;

describe("AWS Lambda, with PostgreSQL", { skip: withoutPostgres }, () => {
  const url = Object.assign(new URL(databaseUrl), { pathname: databaseName });
  const database = url.href;

  before(async () => {
    await ask(`CREATE DATABASE ${databaseName}`);
  });

  after(async () => {
    await ask(`DROP DATABASE IF EXISTS ${databaseName} WITH (FORCE)`);
  });

  test("events of API Gateway in the format 2.0, and of function URLs", async (t) => {
    const instance = await Instance.start(t, database);
    await walk(instance.v2, lambdaOrigin);
  });

  test("events of API Gateway in the format 1.0", async (t) => {
    const instance = await Instance.start(t, database);
    await walk(instance.v1, lambdaOrigin);
  });

  test("several instances know the same visitors", async (t) => {
    const [one, other] = [await Instance.start(t, database), await Instance.start(t, database)];
    const visitor = new Visitor(one.v2, lambdaOrigin);
    await visitor.post("/login", { name: "lea" });
    const elsewhere = new Visitor(other.v2, lambdaOrigin);
    elsewhere.jar.take(visitor.jar.header?.split("; ") ?? []);
    assert.equal((await elsewhere.get()).text, "Hello, lea! Visit 1. You are logged in.");
    assert.equal((await visitor.get()).text, "Hello, lea! Visit 2.");
  });

  test("a connection that the server ended while the instance was frozen is replaced", async (t) => {
    const instance = await Instance.start(t, database);
    const visitor = new Visitor(instance.v2, lambdaOrigin);
    await visitor.post("/login", { name: "lea" });
    await visitor.get();
    for (let visit = 2; visit <= 6; visit++) {
      instance.freeze();
      await ask(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${databaseName}' AND pid <> pg_backend_pid()`,
      );
      await until("the server has ended it", async () => {
        const rows = await ask(`SELECT FROM pg_stat_activity WHERE datname = '${databaseName}'`);
        return rows.length === 0;
      });
      // One begins with a read, which may be sent again, and the other with a write, which is not.
      const [seen, login] = [
        visitor.get(),
        new Visitor(instance.v2, lambdaOrigin).post("/login", { name: "lea" }),
      ];
      instance.thaw();
      assert.equal((await seen).text, `Hello, lea! Visit ${visit}.`);
      assert.equal((await login).status, 303);
    }
  });

  test("a connection that was lost without a word fails one request in time, and the next one works", async (t) => {
    const proxy = await TcpProxy.start(Number(url.port || 5432));
    t.after(() => proxy.close());
    const through = Object.assign(new URL(database), { hostname: "127.0.0.1", port: String(proxy.port) });
    const instance = await Instance.start(t, through.href);
    const visitor = new Visitor(instance.v2, lambdaOrigin);
    await visitor.post("/login", { name: "lea" });
    await visitor.get();
    instance.freeze();
    proxy.forget();
    instance.thaw();
    const start = performance.now();
    const seen = await visitor.get();
    t.diagnostic(`${seen.status} after ${Math.round(performance.now() - start)} ms`);
    assert.equal(seen.status, 503);
    assert.deepEqual(seen.cookies, []);
    assert.ok(performance.now() - start < 4000);
    assert.equal((await visitor.get()).text, "Hello, lea! Visit 2.");
  });

  test("the function for the schedule deletes expired sessions, and no other does", async (t) => {
    const instance = await Instance.start(t, database);
    await instance.invoke("sweep"); // makes the table
    const client = new Pool({ connectionString: database, max: 1 });
    t.after(() => client.end());
    const longAgo = Date.now() - 10 * 86_400_000;
    const record = recordOf({ id: "expired".padEnd(22, "x"), absoluteDeadline: longAgo + 1 }, longAgo);
    await postgresStore({ client }).create(record);
    assert.equal(await instance.invoke("sweep"), 1);
    assert.equal(await instance.invoke("sweep"), 0);
  });
});

test("docs/frameworks/serverless.md shows the examples as they are", () => {
  const text = readFileSync(join(root, "docs", "frameworks", "serverless.md"), "utf8");
  const blocks = [...text.matchAll(/```typescript\n\/\/ (\S+)\n([^]*?)```/g)];
  assert.ok(blocks.length >= 4);
  const names: Readonly<Record<string, string>> = {
    "lambda.ts": "lambda.ts",
    "site.ts": "site.ts",
    "api/index.ts": "vercel.ts",
    "netlify/functions/site.mts": "netlify.ts",
  };
  for (const [, name = "", code = ""] of blocks) {
    const example = readFileSync(join(root, "examples", "serverless", names[name] ?? name), "utf8");
    // Each platform wants its files in its own folders.
    const own = code.replace(/"[./]+\/site\.ts"/, '"./site.ts"').trim();
    assert.ok(example.includes(own), `${name} is not as on the page`);
  }
});

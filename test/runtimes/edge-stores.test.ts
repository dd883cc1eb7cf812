// The examples of docs/runtimes.md for workers, in the real workerd, with the real databases: each request opens its own
// client, because workerd lets no request use a connection of another one.

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { Pool } from "pg";
import { postgresStore } from "coatcheck/postgres";
import { CookieJar } from "coatcheck/testing";
import { layOut } from "../../scripts/pack.ts";
import { ask, databaseUrl, withoutPostgres } from "../stores/postgres-server.ts";
import { recordOf } from "../support/records.ts";
import { RedisServer, until, withoutRedis } from "../stores/redis-server.ts";
import { upstashDouble } from "../stores/upstash-double.ts";
import { programOf, runtimes, workerdAdaptersDate } from "./runtimes.ts";

const root = join(import.meta.dirname, "..", "..");
const programs = Object.fromEntries(runtimes.map((runtime) => [runtime.name, programOf(runtime)]));
const missing =
  programs["Bun"] === undefined || programs["workerd"] === undefined
    ? "Bun and workerd are not installed here: `npm run runtimes` installs them"
    : false;
assert.ok(missing === false || !process.env["CI"], String(missing));

const execute = promisify(execFile);
const secret = "9f2JmQxW0cTq7LrYv5hNbKd8sGzE3uXpRa1oViMw4Ic";

/** The name under which workerd looks for a module's worker. */
const main = "default";

/** What a worker's module exports, made wrong on purpose: one client for all requests. */
const shared = `
import { createSessions } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { postgresStore } from "coatcheck/postgres";
import { Pool } from "pg";
import { site } from "./site.ts";
let handler;
const worker = {
  fetch(request, env) {
    if (handler === undefined) {
      const client = new Pool({ connectionString: env.HYPERDRIVE.connectionString, max: 1 });
      const sessions = createSessions({ secret: env.SESSION_SECRET, store: postgresStore({ client }) });
      handler = fetchSessions(sessions, (own) => site(sessions, own));
    }
    return handler(request);
  },
};
export { worker as ${main} };
`;
import { freePort } from "../support/free-port.ts";

/** Calls what a cron trigger calls. */
const sweeping = `
import pg from "./pg.ts";
const worker = {
  async fetch(request, env, ctx) {
    if (!request.url.endsWith("/sweep")) return pg.fetch(request, env, ctx);
    await pg.scheduled({}, env);
    return new Response("swept");
  },
};
export { worker as ${main} };
`;

const names = ["pg", "postgres", "redis", "ioredis", "upstash", "hono"];

/** The examples keep their table where everybody does, so they get a database of their own. */
const databaseName = `coatcheck_workers_${process.pid}`;
const database = Object.assign(new URL(databaseUrl), { pathname: databaseName }).href;

describe(
  "workerd, with a client for each request",
  { skip: missing || withoutPostgres || withoutRedis },
  () => {
    const cache = join(import.meta.dirname, "programs", "node_modules", ".cache");
    let folder = "";
    let bindings: Record<string, string> = {};

    before(async () => {
      mkdirSync(cache, { recursive: true });
      folder = mkdtempSync(join(cache, "workers-"));
      await layOut(join(folder, "node_modules", "coatcheck"));
      for (const name of ["pg", "postgres", "redis", "@redis", "ioredis", "hono"])
        symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
      cpSync(join(root, "examples", "workers"), folder, { recursive: true });
      writeFileSync(join(folder, "shared.ts"), shared);
      writeFileSync(join(folder, "sweeping.ts"), sweeping);
      await ask(`CREATE DATABASE ${databaseName}`);
      const redis = await RedisServer.start();
      const { url, token } = await upstashDouble(redis.url);
      bindings = {
        REDIS_URL: redis.url,
        UPSTASH_REDIS_REST_URL: url,
        UPSTASH_REDIS_REST_TOKEN: token,
        SESSION_SECRET: secret,
      };
    });

    after(async () => {
      if (folder !== "") rmSync(folder, { recursive: true, force: true });
      await ask(`DROP DATABASE IF EXISTS ${databaseName} WITH (FORCE)`);
    });

    for (const name of names) {
      test(`examples/workers/${name}.ts keeps a login from request to request`, async (t) => {
        const worker = await serve(t, folder, name, bindings);
        const visitor = new Visitor(worker.url);
        assert.equal(await visitor.text("/"), "Hello, stranger! Visit 1.");
        assert.equal((await visitor.post("/login")).status, 303);
        for (let visit = 1; visit <= 5; visit++)
          assert.equal(await visitor.text("/"), `Hello, lea! Visit ${visit}.`);
        assert.equal(await visitor.text("/health"), "fine");
        // What a failed handler set is not kept.
        assert.equal((await visitor.post("/fail")).status, 500);
        assert.equal(await visitor.text("/"), "Hello, lea! Visit 6.");

        const other = new Visitor(worker.url);
        other.jar.take([`stolen=1`]);
        const stolen = visitor.jar.header ?? "";
        assert.equal((await visitor.post("/logout")).status, 303);
        assert.equal(await visitor.text("/"), "Hello, stranger! Visit 1.");
        const late = await fetch(worker.url, { headers: { cookie: stolen } });
        assert.equal(await late.text(), "Hello, stranger! Visit 1.");
        assert.doesNotMatch(worker.output(), /different request context|hang|Error: (?!this page fails)/);
      });

      test(`examples/workers/${name}.ts serves fifty visitors at once`, async (t) => {
        const worker = await serve(t, folder, name, bindings);
        await Promise.all(
          Array.from({ length: 50 }, async () => {
            const visitor = new Visitor(worker.url);
            await visitor.post("/login");
            for (let visit = 1; visit <= 3; visit++)
              assert.equal(await visitor.text("/"), `Hello, lea! Visit ${visit}.`);
          }),
        );
        assert.doesNotMatch(worker.output(), /different request context/);
      });
    }

    for (const name of ["redis", "ioredis", "upstash"]) {
      test(`examples/workers/${name}.ts responds with 503 if its database is not there`, async (t) => {
        const nowhere = { REDIS_URL: "redis://127.0.0.1:1", UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1" };
        const worker = await serve(t, folder, name, { ...bindings, ...nowhere });
        const visitor = new Visitor(worker.url);
        assert.equal((await visitor.post("/login")).status, 503);
        assert.equal(await visitor.text("/health"), "fine");
      });
    }

    test("examples/workers/pg.ts deletes expired sessions when its cron trigger fires", async (t) => {
      const worker = await serve(t, folder, "sweeping", bindings);
      const client = new Pool({ connectionString: database, max: 1 });
      t.after(() => client.end());
      const store = postgresStore({ client });
      const longAgo = Date.now() - 10 * 86_400_000;
      const record = recordOf({ id: "expired".padEnd(22, "x"), absoluteDeadline: longAgo + 1 }, longAgo);
      await store.create(record);
      const count = async (): Promise<unknown> => {
        const { rows } = await client.query("SELECT FROM coatcheck_session WHERE id = $1", [record.id]);
        return rows.length;
      };
      assert.equal(await count(), 1);
      assert.equal(await (await fetch(`${worker.url}sweep`)).text(), "swept");
      assert.equal(await count(), 0);
    });

    test("docs/workers.md shows the examples as they are", () => {
      const page = readFileSync(join(root, "docs", "workers.md"), "utf8");
      const blocks = [...page.matchAll(/```typescript\n\/\/ (\S+)\n([^]*?)```/g)];
      assert.ok(blocks.length >= 4);
      for (const [, name = "", text = ""] of blocks) {
        const example = readFileSync(join(root, "examples", "workers", name), "utf8");
        assert.ok(example.includes(text.trim()), `${name} is not as on the page`);
      }
    });

    test("the examples have the types that they use", () => {
      const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
      writeFileSync(
        join(folder, "runtime.d.ts"),
        'declare module "cloudflare:workers" { const env: unknown; }',
      );
      const options = [
        "--noEmit",
        "--ignoreConfig",
        "--strict",
        "--skipLibCheck",
        "--allowImportingTsExtensions",
      ];
      const types = [
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
        "--target",
        "es2024",
        "--types",
        "node",
      ];
      const files = [...names.map((name) => `${name}.ts`), "runtime.d.ts"];
      const done = spawnSync(process.execPath, [compiler, ...options, ...types, ...files], {
        cwd: folder,
        encoding: "utf8",
      });
      assert.equal(done.status, 0, done.stdout);
    });

    test("a client that all requests share works for the first alone, which is why the page says so", async (t) => {
      const worker = await serve(t, folder, "shared", bindings);
      const visitor = new Visitor(worker.url);
      assert.equal((await visitor.post("/login")).status, 303);
      const statuses = [];
      for (let count = 0; count < 3; count++) statuses.push((await visitor.get("/")).status);
      assert.ok(statuses.includes(503), String(statuses));
    });
  },
);

/** A login in another runtime, which prints who is logged in. */
const program = `
import { createSessions, generateSecret } from "coatcheck";
import { sessionOf, signIn } from "coatcheck/testing";
import { upstashStore } from "coatcheck/upstash";
const [url, token] = process.argv.slice(2);
const sessions = createSessions({ secret: generateSecret(), store: upstashStore({ url, token }) });
const leo = await signIn(sessions, "leo", { data: { name: "Zoë" } });
const kept = await sessionOf(sessions, leo);
await sessions.revokeAll("leo");
console.log(kept.subject, kept.data.name, await sessionOf(sessions, leo));
`;

describe("upstashStore keeps a login in", { skip: missing || withoutRedis }, () => {
  const flags: Readonly<Record<string, string[]>> = {
    "Node 22": [],
    "Node 26": [],
    Bun: [],
    Deno: [
      "run",
      "--no-remote",
      "--no-prompt",
      "--no-lock",
      "--node-modules-dir=manual",
      "--allow-net=127.0.0.1",
    ],
  };
  for (const [name, args] of Object.entries(flags)) {
    test(name, async (t) => {
      const folder = mkdtempSync(join(import.meta.dirname, "programs", "node_modules", ".cache", "login-"));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      await layOut(join(folder, "node_modules", "coatcheck"));
      writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
      const imports = name === "Deno" ? 'import process from "node:process";\n' : "";
      writeFileSync(join(folder, "login.js"), imports + program);
      const { url, token } = await upstashDouble((await RedisServer.start()).url);
      const env = { PATH: process.env["PATH"], HOME: folder, DENO_DIR: join(folder, ".deno"), NO_COLOR: "1" };
      const all = [...args, "login.js", url, token];
      const { stdout } = await execute(programs[name] ?? "", all, { cwd: folder, env, timeout: 60_000 });
      assert.equal(stdout, "leo Zoë undefined\n");
    });
  }
});

/** Workerd's own binding for Hyperdrive, which leads straight to PostgreSQL here. */
const address = new URL(database);
const hyperdrive = `(name = "HYPERDRIVE", hyperdrive = (designator = "postgres", database = "${databaseName}",
  user = "${address.username || "postgres"}", password = "${address.password || "none"}", scheme = "postgresql"))`;

/** A visitor with a browser's cookies. */
class Visitor {
  readonly jar = new CookieJar();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async get(path: string): Promise<Response> {
    return this.#send("GET", path);
  }

  async text(path: string): Promise<string> {
    return (await this.get(path)).text();
  }

  async post(path: string): Promise<Response> {
    return this.#send("POST", path);
  }

  async #send(method: string, path: string): Promise<Response> {
    const response = await fetch(new URL(path, this.#url), {
      method,
      headers: this.jar.headers,
      redirect: "manual",
    });
    this.jar.take(response);
    return response;
  }
}

/** Bundles a module of the folder and serves it until the test ends. */
async function serve(
  t: TestContext,
  folder: string,
  name: string,
  bindings: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; output(): string }> {
  const bundle = join(folder, `${name}.bundle.js`);
  const options = ["--target=node", "--conditions=workerd", "--format=esm", "--external=cloudflare:*"];
  execFileSync(programs["Bun"] ?? "", ["build", `${name}.ts`, ...options, `--outfile=${bundle}`], {
    cwd: folder,
    stdio: "pipe",
  });
  // Workerd's modules do not know where they lie, and what is asked for here are Node's own.
  const code = readFileSync(bundle, "utf8");
  writeFileSync(
    bundle,
    code.replaceAll("createRequire(import.meta.url)", 'createRequire("file:///entry.js")'),
  );
  const port = await freePort();
  const bound = Object.entries(bindings).map(
    ([key, value]) => `(name = ${JSON.stringify(key)}, text = ${JSON.stringify(value)})`,
  );
  writeFileSync(
    join(folder, `${name}.capnp`),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "postgres", external = (address = "${address.host}", tcp = ())),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  compatibilityDate = "${workerdAdaptersDate}",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [${[...bound, hyperdrive].join(", ")}],
  modules = [(name = "entry.js", esModule = embed "${name}.bundle.js")],
);
`,
  );
  const workerd = spawn(programs["workerd"] ?? "", ["serve", `${name}.capnp`], { cwd: folder });
  let output = "";
  for (const stream of [workerd.stdout, workerd.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  t.after(async () => {
    if (workerd.exitCode !== null) return;
    workerd.kill();
    await once(workerd, "exit");
  });
  const url = `http://127.0.0.1:${port}/`;
  await until("workerd serves", async () => {
    assert.equal(workerd.exitCode, null, output);
    return fetch(`${url}health`).then(
      () => true,
      () => false,
    );
  });
  return { url, output: () => output };
}

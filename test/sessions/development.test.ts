import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, request as send } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { createSessions, generateSecret } from "coatcheck";
import type { Sessions, SessionsOptions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import { sqliteStore } from "coatcheck/sqlite";

/** What `coatcheck` means here, it means in a process of its own; what the test runner was told it does not. */
const conditions = process.execArgv.filter((argument) => argument.startsWith("--conditions"));

/** What is remembered of the process, so that each is told once. */
const place = Symbol.for("coatcheck.development.1");

type Options = Partial<SessionsOptions>;

function hub(options: Options = {}): Sessions {
  return createSessions({
    secret: generateSecret(),
    store: memoryStore(),
    developmentWarnings: true,
    ...options,
  });
}

/** What is told on the console, as codes, while something is done in a process that has told nothing yet. */
async function told(work: () => unknown): Promise<string[]> {
  Reflect.deleteProperty(globalThis, place);
  const codes: string[] = [];
  const listen = (warning: Error & { code?: string }): void => {
    if (warning.name === "CoatcheckWarning") codes.push(warning.code ?? "");
  };
  // In place of Node's own, which prints them.
  const others = process.listeners("warning");
  process.removeAllListeners("warning").on("warning", listen);
  await work();
  await new Promise((resolve) => setImmediate(resolve));
  process.removeAllListeners("warning");
  for (const other of others) process.on("warning", other);
  return codes;
}

type Visit = (headers: Record<string, string>, method?: string) => Promise<number>;

/** A real server, whose pages log in, and how it is visited. */
async function serve(t: TestContext, sessions: Sessions): Promise<Visit> {
  const server = createServer(
    nodeSessions(sessions, async (request, response) => {
      await (await sessions.of(request)).login("lea");
      response.end();
    }),
  ).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return async (headers, method = "GET") =>
    new Promise((resolve, reject) => {
      send({ port, host: "127.0.0.1", method, headers }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode ?? 0));
      })
        .on("error", reject)
        .end();
    });
}

const overHttp = "DEV_COOKIE_OVER_HTTP";

test("a Secure session cookie over plain http is told once, where browsers drop it", async (t) => {
  const visit = await serve(t, hub());
  for (const host of [
    "192.168.1.5:3000",
    "example.com",
    "localhost.example.com",
    "128.0.0.1",
    "[fe80::1]:3000",
  ]) {
    const codes = await told(async () => {
      for (let time = 1; time <= 3; time++) assert.equal(await visit({ host }), 200);
    });
    assert.deepEqual(codes, [overHttp], host);
  }
  for (const host of ["localhost:3000", "shop.localhost", "127.0.0.1:3000", "127.0.0.2", "[::1]:3000"]) {
    assert.deepEqual(await told(() => visit({ host })), [], host);
  }
});

test("a proxy or a browser that speaks https is believed in what only a warning hangs on", async (t) => {
  const visit = await serve(t, hub());
  const host = "shop.example";
  for (const [headers, codes] of [
    [{ "x-forwarded-proto": "https" }, []],
    [{ "x-forwarded-proto": "https, http" }, []],
    [{ "x-forwarded-proto": "http" }, [overHttp]],
    [{ forwarded: "for=192.0.2.1;proto=https" }, []],
    [{ forwarded: 'for=192.0.2.1;proto="http"' }, [overHttp]],
    [{ forwarded: "for=192.0.2.1" }, [overHttp]],
    [{ "sec-fetch-site": "none" }, []],
    [{ origin: "https://shop.example" }, []],
    [{ origin: "http://shop.example" }, [overHttp]],
  ] as const) {
    assert.deepEqual(await told(() => visit({ host, ...headers })), codes, JSON.stringify(headers));
  }
});

test("nothing is told of a cookie that is not Secure, of a page that sends none, or over TLS", async (t) => {
  const headers = { host: "192.168.1.5" };
  const plain = await serve(t, hub({ cookie: { name: "session", secure: false } }));
  assert.deepEqual(await told(() => plain(headers)), []);
  const sessions = hub();
  const request = new Request("http://192.168.1.5/");
  const look = async (visited: Request): Promise<Response> => {
    await sessions.of(visited);
    return new Response("");
  };
  assert.deepEqual(await told(() => sessions.handle(request, look)), []);
  const login = async (visited: Request): Promise<Response> => {
    await (await sessions.of(visited)).login("lea");
    return new Response("");
  };
  assert.deepEqual(await told(() => sessions.handle(new Request("https://192.168.1.5/"), login)), []);
  assert.deepEqual(await told(() => sessions.handle(new Request("http://192.168.1.5/"), login)), [overHttp]);
});

test("HTTP/2 says by its scheme whether it is http", async (t) => {
  const sessions = hub();
  const listener = nodeSessions(
    sessions,
    async (request: Http2ServerRequest, response: Http2ServerResponse) => {
      await (await sessions.of(request)).login("lea");
      response.end();
    },
  );
  const server = createHttp2Server(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => {
    client.close();
    server.close();
  });
  const visit = async (scheme: string): Promise<void> => {
    const stream = client.request({ ":authority": "192.168.1.5", ":scheme": scheme }).resume();
    await once(stream, "close");
  };
  assert.deepEqual(await told(() => visit("http")), [overHttp]);
  assert.deepEqual(await told(() => visit("https")), []);
});

test("a refused request is told where it may well have been the site's own", async (t) => {
  const visit = await serve(t, hub());
  const mismatch = "DEV_ORIGIN_MISMATCH";
  for (const [headers, codes] of [
    // Behind a proxy that puts its own name for the server into Host, in a browser without Fetch Metadata.
    [{ host: "app:3000", origin: "https://shop.example" }, [mismatch]],
    // A page of a development server on another port.
    [{ host: "localhost:3000", origin: "http://localhost:5173", "sec-fetch-site": "same-site" }, [mismatch]],
    [{ host: "localhost:3000", origin: "http://localhost:5173" }, [mismatch]],
    // Another site's page, as the browser says, and what no browser sent.
    [{ host: "shop.example", origin: "https://evil.example", "sec-fetch-site": "cross-site" }, []],
    [{ host: "shop.example", origin: "null" }, []],
    [{ host: "shop.example", "sec-fetch-site": "cross-site" }, []],
  ] as const) {
    const sent = async (): Promise<void> => {
      for (let time = 1; time <= 2; time++) assert.equal(await visit({ ...headers }, "POST"), 403);
    };
    assert.deepEqual(await told(sent), codes, JSON.stringify(headers));
  }
  assert.deepEqual(await told(() => visit({ host: "localhost", origin: "http://localhost" }, "POST")), []);
});

test("a ticket of another key is told, one of no ticket's shape is not", async () => {
  const cookieOf = async (sessions: Sessions): Promise<string> => {
    const response = await sessions.handle(new Request("https://localhost/"), async (request) => {
      await (await sessions.of(request)).login("lea");
      return new Response("");
    });
    return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  };
  const own = hub();
  const visit = async (cookie: string): Promise<void> => {
    await own.handle(new Request("https://localhost/", { headers: { cookie } }), async (request) => {
      await own.of(request);
      return new Response("");
    });
  };
  const [ours, others] = [await cookieOf(own), await cookieOf(hub({ developmentWarnings: false }))];
  assert.deepEqual(await told(() => visit(others)), ["DEV_OTHER_KEY"]);
  assert.deepEqual(await told(() => visit(ours)), []);
  assert.deepEqual(await told(() => visit("__Host-Http-session=something")), []);
});

test("making `sessions` again with another memory store is warned of, and with the same store it is not", async () => {
  const store = memoryStore();
  assert.deepEqual(await told(() => [hub(), hub(), hub()]), ["DEV_MEMORY_STORE_TWICE"]);
  assert.deepEqual(await told(() => [hub({ store }), hub({ store })]), []);
  const named = (name: string): Options => ({ cookie: { name } });
  assert.deepEqual(await told(() => [hub(named("__Host-a")), hub(named("__Host-b"))]), []);
  const files = [sqliteStore({ path: "never.db" }), sqliteStore({ path: "never.db" })];
  assert.deepEqual(await told(() => files.map((file) => hub({ store: file }))), []);
});

test("each warning can be switched off by itself, and a misspelt one is refused", async (t) => {
  const off = { cookieOverHttp: false, originMismatch: false, otherKey: false, memoryStoreTwice: false };
  const both = async (visit: Visit): Promise<void> => {
    await visit({ host: "192.168.1.5" });
    await visit({ host: "app", origin: "http://shop.example" }, "POST");
  };
  const visits = await Promise.all(
    [off, { ...off, cookieOverHttp: true }, { ...off, originMismatch: true }].map(
      async (developmentWarnings) => serve(t, hub({ developmentWarnings })),
    ),
  );
  const codes: string[][] = [];
  for (const visit of visits) codes.push(await told(() => both(visit)));
  assert.deepEqual(codes, [[], [overHttp], ["DEV_ORIGIN_MISMATCH"]]);
  assert.throws(() => hub({ developmentWarnings: { cookieOverHtp: false } as never }), {
    code: "CONFIG_INVALID",
    message: /cookieOverHtp.*Known options: cookieOverHttp/,
  });
});

/** What a fresh process prints. */
async function printed(
  env: NodeJS.ProcessEnv,
  option?: unknown,
): Promise<{ stdout: string; stderr: string }> {
  const program = join(import.meta.dirname, "development-process.ts");
  const args = option === undefined ? [] : [JSON.stringify(option)];
  return promisify(execFile)(process.execPath, [...conditions, program, ...args], { env });
}

for (const [env, option, lines] of [
  [{}, undefined, 1],
  [{ NODE_ENV: "development" }, { otherKey: false }, 1],
  [{ NODE_ENV: "production" }, true, 1],
  [{ NODE_ENV: "production" }, undefined, 0],
  [{ NODE_ENV: "test" }, undefined, 0],
  [{}, false, 0],
] as const) {
  const where = `where NODE_ENV is ${env.NODE_ENV ?? "not set"} and the option ${JSON.stringify(option) ?? "is not either"}`;
  test(`${lines === 0 ? "nothing" : "one line"} is told on stderr ${where}`, async () => {
    const { stdout, stderr } = await printed(env, option);
    const pattern = /\[DEV_COOKIE_OVER_HTTP\] CoatcheckWarning: .*secure: false/g;
    assert.equal(stderr.match(pattern)?.length ?? 0, lines, stderr);
    assert.equal(stderr.match(/DEV_/g)?.length ?? 0, lines, stderr);
    const tickets = stdout.trim().split("\n");
    assert.equal(tickets.length, 2);
    for (const part of tickets.flatMap((ticket) => ticket.split(".")))
      assert.ok(part.length > 20 && !stderr.includes(part), "nothing of a ticket");
  });
}

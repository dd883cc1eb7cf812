// What a Node response does with the head that a handler gives it: merged with what the session makes it
// carry, sent as it is, or refused.

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import type { Server } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createSessions, eventChannel, generateSecret, StoreError } from "coatcheck";
import type { Session, Sessions } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import { probeStore } from "coatcheck/testing";
import express from "express";
import { listen } from "../support/listen.ts";

interface Data {
  a: string;
}

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

function overHttp2(listener: Listener): Server {
  return createHttp2Server((request, response) =>
    // The compatibility layer is made to be taken for HTTP/1's.
    listener(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
}

interface Answer {
  readonly status: number;
  readonly body: string;
  /** The values of a header, one for each line. */
  readonly lines: (name: string) => string[];
}

interface Received {
  /** With the status as `:status`. */
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

async function askHttp1(_: TestContext, port: number, path: string, cookie: string): Promise<Received> {
  const sent = httpRequest({ port, host: "127.0.0.1", agent: false, path, headers: { cookie } }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const body = (await response.toArray()).map(String).join("");
  return { headers: { ...response.headers, ":status": response.statusCode }, body };
}

async function askHttp2(t: TestContext, port: number, path: string, cookie: string): Promise<Received> {
  const client = connect(`http://127.0.0.1:${port}`);
  t.after(() => client.destroy());
  const stream = client.request({ ":path": path, cookie });
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
  return { headers, body: (await stream.toArray()).map(String).join("") };
}

async function get(t: TestContext, listener: Listener): Promise<Answer> {
  const port = await listen(
    t,
    createServer((request, response) => void listener(request, response)),
  );
  const sent = httpRequest({ port, host: "127.0.0.1", agent: false }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const body = (await response.toArray()).map(String).join("");
  const { rawHeaders } = response;
  const lines = (name: string): string[] =>
    rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
  return { status: response.statusCode ?? 0, body, lines };
}

/** Two `sessions` objects for one response, and the probes of their stores. */
function twoSessions() {
  const probes = [probeStore(memoryStore()), probeStore(memoryStore())] as const;
  const [outer, inner] = probes.map(({ store }, at) =>
    createSessions<Data>({ secret: generateSecret(), store, cookie: { name: `sessions${at}` } }),
  );
  assert.ok(outer && inner);
  return { outer, inner, probes };
}

function failingStore(): never {
  throw new StoreError("STORE_FAILED", "create", "Meant to fail.", { transient: false });
}

function sessionsNamed(name = "__Host-Http-session"): Sessions<Data> {
  return createSessions<Data>({ secret: generateSecret(), store: memoryStore(), cookie: { name } });
}

/** What a handler may do with its session. */
const uses: Readonly<Record<string, (session: Session<Data>) => unknown>> = {
  "is read": (session) => session.get("a"),
  "is written to": (session) => session.set("a", "A"),
  "is logged in": async (session) => session.login("ana"),
};

const spellings: Readonly<Record<string, (name: string) => string>> = {
  "as usual": (name) => name,
  "in lower case": (name) => name.toLowerCase(),
  "in upper case": (name) => name.toUpperCase(),
};

for (const [use, run] of Object.entries(uses)) {
  for (const when of ["before", "after"] as const) {
    const sends = async (
      t: TestContext,
      write: (response: ServerResponse) => unknown,
      prepare: (response: ServerResponse) => unknown = () => undefined,
    ): Promise<Answer> => {
      const hub = sessionsNamed();
      return get(
        t,
        nodeSessions(hub, async (request, response) => {
          prepare(response);
          if (when === "before") await run(await hub.of(request));
          write(response);
          if (when === "after") await run(await hub.of(request));
          response.end("page");
        }),
      );
    };

    const assertMerged = ({ status, body, lines }: Answer): void => {
      assert.deepEqual([status, body], [201, "page"]);
      const cookies = lines("set-cookie");
      assert.deepEqual(cookies.slice(0, 2), ["own=1", "more=2"]);
      assert.equal(cookies.length, use === "is read" ? 2 : 3);
      if (use !== "is read") assert.match(cookies[2] ?? "", /^__Host-Http-session=/);
      assert.deepEqual(lines("vary"), ["Accept, Cookie"]);
      assert.deepEqual(lines("cache-control"), [use === "is read" ? "private, no-cache" : "no-store"]);
      assert.deepEqual(lines("x-own"), ["yes"]);
    };

    for (const [how, spell] of Object.entries(spellings)) {
      const headersOf = () => ({
        [spell("Set-Cookie")]: ["own=1", "more=2"],
        [spell("Vary")]: "Accept",
        [spell("Cache-Control")]: "public, max-age=60",
        [spell("X-Own")]: "yes",
      });

      test(`a session that ${use} ${when} writeHead adds to its headers, in an object, ${how}`, async (t) => {
        const headers = headersOf();
        assertMerged(await sends(t, (response) => response.writeHead(201, headers)));
        assert.deepEqual(headers, headersOf(), "the handler's own object stays what it was");
        assertMerged(await sends(t, (response) => response.writeHead(201, "Made", headers)));
      });

      test(`a session that ${use} ${when} writeHead adds to its headers, in a list, ${how}`, async (t) => {
        const list = Object.entries(headersOf()).flatMap(([name, value]) =>
          [value].flat().flatMap((each) => [name, each]),
        );
        const given = [...list];
        assertMerged(await sends(t, (response) => response.writeHead(201, list)));
        assert.deepEqual(list, given);
      });

      test(`a list of headers takes the place of those set before, if a session ${use} ${when} writeHead, ${how}`, async (t) => {
        const list = Object.entries(headersOf()).flatMap(([name, value]) =>
          [value].flat().flatMap((each) => [name, each]),
        );
        const answer = await sends(
          t,
          (response) => response.writeHead(201, list),
          (response) => {
            for (const name of ["x-own", "vary", "set-cookie"]) response.setHeader(name, "before");
          },
        );
        assertMerged(answer);
      });

      test(`a session that ${use} ${when} writeHead adds to headers that were set before, ${how}`, async (t) => {
        const { [spell("X-Own")]: own, ...before } = headersOf();
        const answer = await sends(
          t,
          (response) => response.writeHead(201, { "x-own": own }),
          (response) => {
            for (const [name, value] of Object.entries(before)) response.setHeader(name, value ?? "");
          },
        );
        assertMerged(answer);
      });
    }

    test(`a session that ${use} ${when} writeHead adds to a single cookie, and to no headers at all`, async (t) => {
      const single = await sends(t, (response) => response.writeHead(200, { "set-cookie": "own=1" }));
      assert.equal(single.lines("set-cookie").length, use === "is read" ? 1 : 2);
      assert.equal(single.lines("set-cookie")[0], "own=1");
      const bare = await sends(t, (response) => response.writeHead(200));
      assert.equal(bare.lines("set-cookie").length, use === "is read" ? 0 : 1);
      assert.deepEqual(bare.lines("vary"), ["Cookie"]);
    });
  }
}

test("a head that nobody's session adds to is sent as it is", async (t) => {
  const headers = { "Cache-Control": "public, max-age=60", vary: "Accept" };
  const { lines } = await get(
    t,
    nodeSessions(sessionsNamed(), (_request, response) => response.writeHead(200, headers).end("page")),
  );
  assert.deepEqual([lines("cache-control"), lines("vary")], [["public, max-age=60"], ["Accept"]]);
  assert.deepEqual([lines("set-cookie"), Object.keys(headers).length], [[], 2]);
});

/** Ways to write a response that several `sessions` objects buffer. */
const answers: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  end: (response) => response.end("page"),
  "write and end": (response) => {
    response.write("pa");
    response.end("ge");
  },
  "writeHead with an object": (response) => response.writeHead(200, { vary: "Accept" }).end("page"),
  "writeHead with a list": (response) => response.writeHead(200, ["vary", "Accept"]).end("page"),
  "flushHeaders and end": (response) => {
    response.flushHeaders();
    response.end("page");
  },
};

for (const [how, answer] of Object.entries(answers)) {
  test(
    `three \`sessions\` objects buffer one response, and each sets its cookie: ${how}`,
    { timeout: 20_000 },
    async (t) => {
      const hubs = [sessionsNamed("one"), sessionsNamed("two"), sessionsNamed("three")] as const;
      const [one, two, three] = hubs;
      const handler: Listener = async (request, response) => {
        for (const hub of hubs) (await hub.of(request)).set("a", "A");
        answer(response);
      };
      const { status, body, lines } = await get(
        t,
        nodeSessions(one, nodeSessions(two, nodeSessions(three, handler))),
      );
      assert.deepEqual([status, body], [200, "page"]);
      const names = lines("set-cookie").map((line) => line.split("=")[0] ?? "");
      assert.deepEqual(names.toSorted(), ["one", "three", "two"]);
    },
  );

  for (const failing of [0, 1]) {
    test(
      `of two \`sessions\` objects one fails to commit, and its error is the response: ${how}, ${failing === 0 ? "outer" : "inner"}`,
      { timeout: 20_000 },
      async (t) => {
        const { outer, inner, probes } = twoSessions();
        const probe = probes[failing];
        assert.ok(probe);
        probe.around = failingStore;
        const handler: Listener = async (request, response) => {
          for (const hub of [outer, inner]) (await hub.of(request)).set("a", "A");
          answer(response);
        };
        const { status, body } = await get(t, nodeSessions(outer, nodeSessions(inner, handler)));
        assert.equal(status, 503);
        assert.doesNotMatch(body, /page/);
      },
    );
  }
}

for (const protocol of ["HTTP/1", "HTTP/2"]) {
  test(`${protocol}: of two \`sessions\` objects the inner fails to commit while the outer gives messages back, and its error is the response`, async (t) => {
    const { outer, inner, probes } = twoSessions();
    const shown: unknown[] = [];
    const listener = nodeSessions(
      outer,
      nodeSessions(inner, async (request, response) => {
        const session = await outer.of(request);
        if (request.url === "/flash") session.flash("hello");
        else shown.push(...(await session.takeFlashes()));
        if (request.url === "/fail") (await inner.of(request)).set("a", "A");
        response.end("page");
      }),
    );
    const port = await listen(t, protocol === "HTTP/1" ? createServer(listener) : overHttp2(listener));
    let cookie = "";
    const visit = async (path: string): Promise<Record<string, unknown>> => {
      const { headers, body } = await (protocol === "HTTP/1" ? askHttp1 : askHttp2)(t, port, path, cookie);
      const [set] = [headers["set-cookie"]].flat();
      cookie = typeof set === "string" ? (set.split(";")[0] ?? "") : cookie;
      return { ...headers, body };
    };
    await visit("/flash");
    probes[1].around = failingStore;
    const failed = await visit("/fail");
    assert.equal(failed[":status"], 503);
    assert.equal(failed["retry-after"], "5");
    assert.match(String(failed["body"]), /^The site can't tell who you are right now/);
    await visit("/");
    const hello = { message: "hello", category: "message" };
    assert.deepEqual(shown, [hello, hello]);
  });
}

for (const failing of [undefined, 0, 1]) {
  const what = failing === undefined ? "each sets its cookie" : `number ${failing} fails to commit`;
  test(
    `HTTP/2: two \`sessions\` objects buffer one response, and ${what}`,
    { timeout: 20_000 },
    async (t) => {
      const { outer, inner, probes } = twoSessions();
      const probe = failing === undefined ? undefined : probes[failing];
      if (probe !== undefined) probe.around = failingStore;
      const handler: Listener = async (request, response) => {
        for (const hub of [outer, inner]) (await hub.of(request)).set("a", "A");
        response.writeHead(200, { vary: "Accept" }).end("page");
      };
      const server = overHttp2(nodeSessions(outer, nodeSessions(inner, handler)));
      const client = connect(`http://127.0.0.1:${await listen(t, server)}`);
      t.after(() => client.destroy());
      const stream = client.request({ ":path": "/" });
      const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
      const body = (await stream.toArray()).map(String).join("");
      assert.equal(headers[":status"], failing === undefined ? 200 : 503);
      if (failing === undefined) {
        assert.equal(body, "page");
        assert.equal([headers["set-cookie"]].flat().length, 2);
      } else assert.match(body, /^The site can't tell who you are right now/);
    },
  );
}

test("Express: two `sessions` objects in one app each set their cookie", { timeout: 20_000 }, async (t) => {
  const [one, two] = [sessionsNamed("one"), sessionsNamed("two")];
  const app = express();
  app.use(expressSessions(one), expressSessions(two));
  app.get("/", async (req, res) => {
    (await one.of(req)).set("a", "A");
    (await two.of(req)).set("a", "A");
    res.json({ page: true });
  });
  const { status, lines } = await get(t, app);
  assert.deepEqual([status, lines("set-cookie").length], [200, 2]);
});

const badHeads: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  "a value": (response) => response.writeHead(200, { "x-good": "1", "x-bad": "a\nb" }),
  "a name": (response) => response.writeHead(200, { "x bad": "1" }),
  "one of several values": (response) => response.writeHead(200, { "x-bad": ["1", "\u0000"] }),
  "a value in a list": (response) => response.writeHead(200, ["x-good", "1", "x-bad", "a\nb"]),
};

for (const [what, write] of Object.entries(badHeads)) {
  for (const [use, run] of [...Object.entries(uses), ["is left alone", undefined] as const]) {
    for (const when of run === undefined ? (["before"] as const) : (["before", "after"] as const)) {
      for (const outlet of ["end", "write"] as const) {
        const title = `${what} that no header may have is answered with an error: the session ${use} ${when} writeHead, then ${outlet}`;
        test(title, async (t) => {
          t.mock.method(console, "error", () => undefined);
          const unhandled: unknown[] = [];
          const hear = (error: unknown): void => void unhandled.push(error);
          process.on("unhandledRejection", hear);
          t.after(() => process.off("unhandledRejection", hear));
          const probe = probeStore(memoryStore());
          const hub = createSessions<Data>({ secret: generateSecret(), store: probe.store });
          const answer = await get(
            t,
            nodeSessions(hub, async (request, response) => {
              if (when === "before") await run?.(await hub.of(request));
              write(response);
              if (when === "after") await run?.(await hub.of(request));
              response[outlet]("page");
              response.end();
            }),
          );
          assert.equal(answer.status, 500);
          assert.doesNotMatch(answer.body, /page/);
          // What was written when it was called is kept, and so is its cookie; data goes with its page.
          const writes = probe.calls.filter(({ operation }) => operation !== "read");
          // Such a head is refused by writeHead itself, as in Node, so nothing after it was done.
          const wasLoggedIn = use === "is logged in" && when === "before";
          assert.equal(writes.length, wasLoggedIn ? 1 : 0);
          assert.equal(answer.lines("set-cookie").length, wasLoggedIn ? 1 : 0);
          assert.deepEqual(answer.lines("x-bad"), []);
          assert.deepEqual(unhandled, []);
        });
      }
    }
  }
}

test("headers that become bad in the object after writeHead took it are answered with an error", async (t) => {
  t.mock.method(console, "error", () => undefined);
  const sessions = createSessions<Data>({ secret: generateSecret(), store: memoryStore() });
  const answer = await get(
    t,
    nodeSessions(sessions, async (request, response) => {
      await sessions.of(request);
      const headers = { "x-bad": "good" };
      response.writeHead(200, headers);
      headers["x-bad"] = "a\nb";
      throw new Error("Meant to fail.");
    }),
  );
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.lines("x-bad"), []);
});

/** Sends a request and goes away as soon as its handler has begun; resolves when the server has noticed. */
const leavers: Readonly<
  Record<string, (t: TestContext, listener: Listener, begun: Promise<unknown>) => Promise<void>>
> = {
  async "HTTP/1"(t, listener, begun) {
    const port = await listen(
      t,
      createServer((request, response) => void listener(request, response)),
    );
    const sent = httpRequest({ port, host: "127.0.0.1", agent: false }).end();
    sent.on("error", () => undefined);
    await begun;
    sent.destroy();
  },
  async "HTTP/2"(t, listener, begun) {
    const server = overHttp2(listener);
    const client = connect(`http://127.0.0.1:${await listen(t, server)}`);
    t.after(() => client.destroy());
    const stream = client.request({ ":path": "/" });
    stream.on("error", () => undefined);
    await begun;
    stream.close(8);
  },
};

for (const [protocol, leave] of Object.entries(leavers)) {
  for (const [use, run] of Object.entries({
    "sets data": (session: Session<Data>) => session.set("a", "lost"),
    "leaves a message": (session: Session<Data>) => session.flash("lost"),
  })) {
    test(
      `${protocol}: a handler that first looks at its session when the client is gone, and ${use}: nothing is kept, and nothing throws`,
      { timeout: 20_000 },
      async (t) => {
        t.mock.method(console, "error", () => undefined);
        const probe = probeStore(memoryStore());
        const hub = createSessions<Data>({ secret: generateSecret(), store: probe.store });
        let writes = 0;
        probe.around = async (call, go) => {
          if (call.operation !== "read") writes++;
          return go();
        };
        const events: unknown[] = [];
        const hear = (event: unknown): number => events.push(event);
        subscribe(eventChannel, hear);
        t.after(() => unsubscribe(eventChannel, hear));
        const begun = Promise.withResolvers<undefined>();
        const done = Promise.withResolvers<unknown>();
        const listener = nodeSessions<Data>(hub, async (request, response) => {
          begun.resolve(undefined);
          await once(response, "close");
          try {
            run(await hub.of(request));
            response.end("page");
            done.resolve(undefined);
          } catch (error) {
            done.resolve(error);
          }
        });
        await leave(t, listener, begun.promise);
        const outcome = await done.promise;
        for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
        assert.equal(writes, 0, "nothing of it was kept");
        assert.equal(outcome, undefined);
        assert.deepEqual(events, [
          { type: "write-dropped", reason: "client-left", cookie: "__Host-Http-session" },
        ]);
      },
    );
  }
}

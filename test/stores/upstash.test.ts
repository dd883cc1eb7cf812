// The store over HTTP, with a double of Upstash's REST API in front of a real Redis: see upstash-double.ts.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { ConfigError, createSessions, generateSecret, StoreError } from "coatcheck";
import type { Store } from "coatcheck";
import { redisStore } from "coatcheck/redis";
import type { Patch, SessionRecord } from "coatcheck/store";
import { signIn, sessionOf, storeContract } from "coatcheck/testing";
import { upstashStore } from "coatcheck/upstash";
import type { UpstashStoreOptions } from "coatcheck/upstash";
import { recordOf } from "../support/records.ts";
import { RedisServer, nodeClient, until, withoutRedis } from "./redis-server.ts";
import { upstashDouble } from "./upstash-double.ts";

const now = Date.now();
const hour = 3_600_000;
let ids = 0;

function recordWith(columns: Partial<SessionRecord> = {}): SessionRecord {
  const id = `id-${process.pid}-${ids++}`.padEnd(22, "x");
  return recordOf({ id, verifier: Buffer.alloc(32, 7), absoluteDeadline: now + 24 * hour, ...columns }, now);
}

async function failed(call: unknown): Promise<StoreError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof StoreError, inspect(error));
    return error;
  }
  return assert.fail("it should have failed");
}

describe("options that upstashStore refuses", () => {
  const url = "https://eu1-name.upstash.io";
  const refused = (options: object, words: RegExp): void => {
    assert.throws(
      () => upstashStore({ url, token: "token", ...options }),
      (error) => error instanceof ConfigError && error.code === "CONFIG_INVALID" && words.test(error.message),
      inspect(options),
    );
  };

  test("addresses over which the token would travel in the clear, or with a user's name", () => {
    for (const wrong of [
      "http://eu1-name.upstash.io",
      "http://10.0.0.1",
      "redis://localhost:6379",
      "https://default:secret@eu1-name.upstash.io",
      "eu1-name.upstash.io",
      7,
    ]) {
      refused({ url: wrong }, /url must be the address/);
    }
    for (const right of [
      "http://localhost:8079",
      "http://127.0.0.1:8079",
      "http://[::1]:8079",
      "http://redis-http",
    ])
      upstashStore({ url: right, token: "token" });
  });

  test("tokens with spaces, other options, other prefixes, and what is no function", () => {
    refused({ token: "two words" }, /token must be/);
    refused({ retry: 3 }, /no option "retry"/);
    refused({ prefix: "a b" }, /prefix must be/);
    refused({ fetch: "fetch" }, /fetch must be/);
  });

  test("no address or token only when they are needed, so that builds work without", async () => {
    for (const missing of [{ url: undefined }, { url: "" }, { token: undefined }, { token: "" }]) {
      const store = upstashStore({ url, token: "token", ...missing });
      const sessions = createSessions({ secret: generateSecret(), store });
      await assert.rejects(sessions.check(), (error) => {
        assert.ok(error instanceof ConfigError);
        return new RegExp(`^${Object.keys(missing)[0]} is missing`).test(error.message);
      });
    }
  });
});

describe("upstashStore", { skip: withoutRedis }, async () => {
  if (withoutRedis !== false) return;
  const server = await RedisServer.start();
  const double = await upstashDouble(server.url);
  const { url, token } = double;
  let places = 0;
  const open = (options: Partial<UpstashStoreOptions> = {}): Store =>
    upstashStore({ url, token, prefix: `place${places++}:`, ...options });

  test("holds to the contract", async () => {
    for (const clause of storeContract) {
      const prefix = `place${places++}:`;
      await clause.check(() => open({ prefix }));
    }
  });

  test("keeps every byte in every argument, in both directions", async () => {
    const store = open();
    const all = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
    // What looks like UTF-8 of a character below U+0100 must not be taken for an encoded byte.
    const tricky = Buffer.from("é\u0000ÿ\u0080Ã©中😀");
    const subject = "Zoë 中😀 é";
    const fields = new Map([
      ["d:é", all],
      ["d:b", tricky],
    ]);
    const record = recordWith({ subject, fields, verifier: all.subarray(200, 232) });
    assert.equal(await store.create(record), true);
    assert.deepEqual(await store.read(record.id, now), record);
    const patch: Patch = {
      epoch: 0,
      expect: { verifier: all.subarray(200, 232), fields: new Map([["d:é", all]]) },
      set: new Map([["d:c", Buffer.concat([tricky, all])]]),
      remove: ["d:é"],
    };
    assert.deepEqual(await store.patch(record.id, patch, now), {
      kind: "applied",
      revision: 2,
      removed: ["d:é"],
    });
    const conflict = await store.patch(record.id, patch, now);
    assert.ok(conflict.kind === "conflict");
    assert.deepEqual(conflict.record.fields.get("d:c"), Buffer.concat([tricky, all]));
    assert.deepEqual(
      (await store.list(subject, now)).map(({ id }) => id),
      [record.id],
    );
  });

  test("shares its records with redisStore on the same prefix", async () => {
    const prefix = `place${places++}:`;
    const client = await nodeClient(server.url);
    const [http, tcp] = [open({ prefix }), redisStore({ client, prefix, onWarning: () => {} })];
    const record = recordWith({ subject: "ana", fields: new Map([["d:a", Buffer.from([0, 200, 255])]]) });
    await http.create(record);
    assert.deepEqual(await tcp.read(record.id, now), record);
    const set = new Map([["d:b", Buffer.from([128])]]);
    assert.equal((await tcp.patch(record.id, { epoch: 0, set }, now)).kind, "applied");
    assert.deepEqual((await http.read(record.id, now))?.fields.get("d:b"), Buffer.from([128]));
    assert.equal((await http.list("ana", now)).length, 1);
  });

  test("keeps a login, from any number of sessions objects, and none of them holds anything open", async () => {
    const prefix = `place${places++}:`;
    const secret = generateSecret();
    const sessionsOf = () => createSessions({ secret, store: open({ prefix }) });
    const leo = await signIn(sessionsOf(), "leo", { data: { name: "Zoë" } });
    assert.deepEqual((await sessionOf(sessionsOf(), leo))?.data, { name: "Zoë" });
    assert.equal(await sessionsOf().revokeAll("leo"), 1);
    assert.equal(await sessionOf(sessionsOf(), leo), undefined);
  });

  test("sends a script by its name once the server knows it, and again when the server has forgotten it", async () => {
    const store = open();
    const record = recordWith();
    await store.create(record);
    await store.read(record.id, now);
    double.commands.length = 0;
    await store.read(record.id, now);
    await store.patch(record.id, { epoch: 0, set: new Map([["d:a", Buffer.from("1")]]) }, now);
    assert.ok(double.commands.every(([name]) => name === "EVALSHA") && double.commands.length <= 3);
    await server.ask("SCRIPT", "FLUSH");
    assert.equal((await store.read(record.id, now))?.revision, 2);
    assert.equal((await store.patch(record.id, { epoch: 0 }, now)).kind, "applied");
  });

  test("never sends a command that a replica might answer", async () => {
    const store = open();
    const record = recordWith({ subject: "ana" });
    double.commands.length = 0;
    await store.create(record);
    await store.read(record.id, now);
    await store.list("ana", now);
    await store.sweep(now, 100);
    assert.ok(double.commands.length >= 5);
    for (const [name = ""] of double.commands) assert.match(name, /^EVAL(?:SHA)?$/);
  });

  test("costs as many requests as the page says", async () => {
    const prefix = `place${places++}:`;
    const store = open({ prefix });
    const cost = async (call: () => unknown): Promise<number> => {
      const before = double.commands.length;
      await call();
      return double.commands.length - before;
    };
    const [record, other] = [recordWith(), recordWith({ subject: "ana" })];
    await open({ prefix }).list("nobody", now); // the server knows this script from here on, and the others from other tests
    for (const warm of [open({ prefix }), open({ prefix })])
      await warm.create(recordWith({ subject: "ben" }));
    assert.equal(await cost(() => store.create(record)), 2, "the first write");
    assert.equal(await cost(() => store.create(recordWith())), 1);
    assert.equal(await cost(() => store.read(record.id, now)), 1);
    const set = new Map([["d:a", Buffer.from("1")]]);
    await store.patch(record.id, { epoch: 0, set }, now);
    assert.equal(await cost(() => store.patch(record.id, { epoch: 0, set }, now)), 1, "a write");
    assert.equal(await cost(() => store.create(other)), 2, "a login without a session");
    const login = { epoch: 1, subject: "ana", absoluteDeadline: now + hour };
    assert.equal(await cost(() => store.patch(record.id, { epoch: 0, columns: login }, now)), 2, "a login");
    const logout = { epoch: 2, subject: null };
    assert.equal(await cost(() => store.patch(record.id, { epoch: 1, columns: logout }, now)), 1, "a logout");
    assert.equal(await cost(() => store.list("ben", now)), 3);
    const fresh = open({ prefix });
    await fresh.read(record.id, now);
    assert.equal(await cost(() => fresh.create(recordWith())), 1, "the first write after a read");
  });

  test("asks for a reply that no cache has kept", async () => {
    const caches: (string | undefined)[] = [];
    const store = open({
      fetch: async (to, init) => {
        caches.push(init.cache);
        return fetch(to, init);
      },
    });
    await store.read("id".padEnd(22, "x"), now);
    assert.ok(caches.length > 0 && caches.every((cache) => cache === "no-store"));
  });

  describe("fails with a typed error", () => {
    const canary = "canary-in-the-arguments";
    const set = new Map([["d:a", Buffer.from(canary)]]);
    const json = { "content-type": "application/json" };
    type Fault = NonNullable<typeof double.interfere>;
    const replies = (status: number, body: string, headers: Record<string, string> = json): Fault => {
      return (_request, response) => {
        response.writeHead(status, headers).end(body);
        return true;
      };
    };
    const faults: Readonly<Record<string, [fault: Fault, code: string, transient: boolean]>> = {
      "500": [replies(500, "Internal Server Error"), "STORE_UNAVAILABLE", true],
      "502 of a proxy": [replies(502, "<html>", { "content-type": "text/html" }), "STORE_UNAVAILABLE", true],
      "429": [replies(429, '{"error":"Too Many Requests"}'), "STORE_BUSY", true],
      "401": [replies(401, '{"error":"Unauthorized"}'), "STORE_FAILED", false],
      "403": [replies(403, ""), "STORE_FAILED", false],
      "404": [replies(404, "Not Found"), "STORE_FAILED", false],
      "a redirect": [replies(302, "", { location: "http://127.0.0.1:1/" }), "STORE_FAILED", false],
      "truncated JSON": [replies(200, '{"result":["YXBwb'), "STORE_UNAVAILABLE", true],
      "another page": [replies(200, "<html>Welcome</html>"), "STORE_UNAVAILABLE", true],
      "a result of another kind": [replies(200, '{"result":null}'), "STORE_UNAVAILABLE", true],
      "JSON without a result": [replies(200, "{}"), "STORE_UNAVAILABLE", true],
      "JSON that is no object": [replies(200, "null"), "STORE_UNAVAILABLE", true],
      "strings that are not encoded": [
        replies(200, '{"result":["applied",1,"2",[]]}'),
        "STORE_FAILED",
        false,
      ],
      "the limit of a day": [
        replies(400, '{"error":"ERR max daily request limit exceeded. Limit: 10000, Usage: 10000."}'),
        "STORE_BUSY",
        true,
      ],
      "a full database": [
        replies(400, '{"error":"ERR DB capacity quota exceeded. Limit: 268435456 bytes"}'),
        "STORE_FULL",
        true,
      ],
      "a token that may only read": [
        replies(400, '{"error":"NOPERM this user has no permissions to run the \'evalsha\' command"}'),
        "STORE_FAILED",
        false,
      ],
      "a command that it does not know": [
        replies(400, '{"error":"ERR unknown command"}'),
        "STORE_FAILED",
        false,
      ],
      "a connection that ends": [
        (request) => {
          request.socket.destroy();
          return true;
        },
        "STORE_UNAVAILABLE",
        true,
      ],
      "a response that is cut off": [
        (request, response) => {
          response.writeHead(200, { ...json, "content-length": "1000" });
          response.write('{"result":', () => request.socket.destroy());
          return true;
        },
        "STORE_UNAVAILABLE",
        true,
      ],
    };
    for (const [name, [fault, code, transient]] of Object.entries(faults)) {
      test(name, async (t) => {
        t.after(() => {
          double.interfere = undefined;
        });
        const store = open();
        const record = recordWith({ subject: "ana" });
        await store.create(record);
        double.interfere = fault;
        const calls = {
          read: () => store.read(record.id, now),
          patch: () => store.patch(record.id, { epoch: 0, set }, now),
          create: () => store.create(recordWith({ fields: set })),
          list: () => store.list("ana", now),
        };
        for (const [operation, call] of Object.entries(calls)) {
          const error = await failed(call());
          assert.deepEqual([error.code, error.transient, error.operation], [code, transient, operation]);
          assert.match(error.message, /^The upstash store could not /);
          const seen = inspect(error, { depth: 20, showHidden: true });
          for (const secret of [canary, token, record.id]) assert.ok(!seen.includes(secret), seen);
        }
        double.interfere = undefined;
        assert.deepEqual(await store.read(record.id, now), record, "it goes on afterwards");
      });
    }

    test("a server that does not answer, in time", async (t) => {
      t.after(() => {
        double.interfere = undefined;
      });
      const store = open({ timeout: { milliseconds: 100 } });
      const record = recordWith();
      await store.create(record);
      double.interfere = () => true;
      const start = performance.now();
      const error = await failed(store.read(record.id, now));
      assert.deepEqual([error.code, error.transient], ["STORE_TIMEOUT", true]);
      assert.ok(performance.now() - start < 2000);
    });

    test("a server that nobody runs, and one that has no such name", async () => {
      for (const nowhere of ["http://127.0.0.1:1", "https://nowhere.invalid"]) {
        const error = await failed(open({ url: nowhere }).read("id".padEnd(22, "x"), now));
        assert.equal(error.code, "STORE_UNAVAILABLE", nowhere);
        assert.ok(!inspect(error, { depth: 20 }).includes("nowhere.invalid"));
      }
    });

    test("a wrong token", async () => {
      const error = await failed(open({ token: "wrong-token" }).read("id".padEnd(22, "x"), now));
      assert.deepEqual([error.code, error.transient], ["STORE_FAILED", false]);
      assert.ok(!inspect(error, { depth: 20 }).includes("wrong-token"));
    });

    test("a visitor gets a 503, and the cookie stays", async (t) => {
      t.after(() => {
        double.interfere = undefined;
      });
      const sessions = createSessions({ secret: generateSecret(), store: open() });
      const { headers } = await signIn(sessions, "leo");
      double.interfere = replies(500, "");
      const response = await sessions.handle(
        new Request("http://localhost/", { headers }),
        async (request) => {
          await sessions.of(request);
          return new Response();
        },
      );
      assert.deepEqual([response.status, response.headers.getSetCookie()], [503, []]);
    });
  });

  test("does not carry out a write that came too late", async (t) => {
    t.after(() => {
      double.interfere = undefined;
    });
    const store = open({ timeout: { milliseconds: 300 } });
    const record = recordWith();
    await store.create(record);
    // It is kept on the way until its deadline has passed, and then arrives.
    double.interfere = async (_request, response) => {
      await once(response, "close"); // the store has given up
      return false;
    };
    const set = new Map([["d:late", Buffer.from("1")]]);
    assert.equal((await failed(store.patch(record.id, { epoch: 0, set }, now))).code, "STORE_TIMEOUT");
    double.interfere = undefined;
    await until("it has arrived", async () => double.commands.some((words) => words.includes(".d:late")));
    assert.equal((await store.read(record.id, now))?.revision, 1);
  });
});

// The example for tRPC, used with its own client.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CookieJar } from "coatcheck/testing";
import { Example } from "./example.ts";
import type { RunningSite } from "./example.ts";

const example = new Example({
  name: "trpc",
  installed: "node_modules/@trpc/client/package.json",
  start: ["server.ts"],
});

type Call = (input?: unknown) => Promise<unknown>;

/** What is used of a tRPC client, whatever its router. */
type Client = Readonly<Record<string, { readonly query: Call; readonly mutate: Call }>>;

interface ClientModule {
  createTRPCClient(options: { readonly links: readonly unknown[] }): Client;
  httpLink(options: object): unknown;
  httpBatchLink(options: object): unknown;
  splitLink(options: object): unknown;
}

interface Me {
  readonly name: string;
  readonly note: string;
  readonly messages: readonly string[];
}

// A suite that is skipped is not counted, a test is.
test("the example for tRPC is installed", { skip: example.missing }, () => {});

describe("the example for tRPC", { skip: example.missing }, () => {
  let site: RunningSite;

  before(async () => {
    await example.build();
    site = await example.start();
  });

  after(async () => site.close());

  /** A client with a browser's cookies. Its queries are batched; its mutations are not, unless all are. */
  function visitor({ batchesAll = false } = {}) {
    const library = createRequire(join(example.folder, "package.json"))("@trpc/client") as ClientModule;
    const jar = new CookieJar();
    const requests: string[] = [];
    const send = async (url: string, init: RequestInit): Promise<Response> => {
      requests.push(new URL(url).pathname);
      const headers = new Headers(init.headers);
      if (jar.header !== undefined) headers.set("cookie", jar.header);
      const response = await fetch(url, { ...init, headers });
      jar.take(response);
      return response;
    };
    const options = { url: site.url, fetch: send };
    const batch = library.httpBatchLink(options);
    const split = library.splitLink({
      condition: ({ type }: { readonly type: string }) => type === "mutation",
      true: library.httpLink(options),
      false: batch,
    });
    const client = library.createTRPCClient({ links: [batchesAll ? batch : split] });
    const call = (kind: "query" | "mutate", name: string, input?: unknown): Promise<unknown> =>
      client[name]?.[kind](input) ?? assert.fail(name);
    return {
      jar,
      requests,
      query: (name: string) => call("query", name),
      mutate: (name: string, input?: unknown) => call("mutate", name, input),
      me: async () => (await call("query", "me")) as Me,
      logIn: async () => call("mutate", "logIn", { name: "ana", password: "correct horse" }),
    };
  }

  test("has the types it says", () => example.checkTypes());

  test("logs in, remembers, shows a message once, and logs out", async () => {
    const { jar, logIn, me, mutate, query } = visitor();
    assert.deepEqual(await me(), { name: "stranger", note: "", messages: [] });
    assert.equal(jar.header, undefined, "a look sets no cookie");
    await assert.rejects(query("secret"), /UNAUTHORIZED/);
    await logIn();
    assert.deepEqual(await me(), { name: "ana", note: "", messages: ["You are logged in."] });
    assert.deepEqual(await me(), { name: "ana", note: "", messages: [] });
    assert.equal(await query("secret"), "The page of ana");
    await mutate("logOut");
    assert.equal((await me()).name, "stranger");
  });

  test("a wrong password logs nobody in", async () => {
    const { me, mutate } = visitor();
    for (const input of [{ name: "ana", password: "wrong" }, { name: "ben", password: "" }, {}, undefined])
      await assert.rejects(mutate("logIn", input));
    assert.equal((await me()).name, "stranger");
  });

  test("nothing that a mutation set is kept if it throws", async () => {
    const { logIn, me, mutate } = visitor();
    await logIn();
    await mutate("note", "before");
    await assert.rejects(mutate("fail", "lost"), /not kept/);
    assert.equal((await me()).note, "before");
  });

  test("a login stands although its mutation failed", async () => {
    const { me, mutate } = visitor();
    await assert.rejects(mutate("failAfterLogin", "lost"));
    assert.deepEqual([(await me()).name, (await me()).note], ["ana", ""]);
  });

  test("queries of one batch share the session, and one that fails takes nothing from the others", async () => {
    const { me, mutate, query, requests } = visitor();
    await mutate("note", "kept");
    requests.length = 0;
    const [first, second] = await Promise.allSettled([me(), query("secret")]);
    assert.equal(first.status === "fulfilled" && first.value.note, "kept");
    assert.equal(second.status, "rejected");
    assert.deepEqual(requests, ["/me,secret"]);
  });

  test("mutations in one batch are refused before any of them runs", async () => {
    const { me, mutate } = visitor({ batchesAll: true });
    const results = await Promise.allSettled([mutate("note", "one"), mutate("fail", "two")]);
    for (const result of results) {
      assert.match(String(result.status === "rejected" && result.reason), /one at a time/);
    }
    assert.equal((await me()).note, "");
  });

  test("a logout from elsewhere ends a session, and the subscriptions in it", async () => {
    const [here, elsewhere] = [visitor(), visitor()];
    await here.logIn();
    await elsewhere.logIn();
    const headers = { accept: "text/event-stream", cookie: here.jar.header ?? "" };
    const stream = await fetch(`${site.url}/greetings`, { headers });
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    let told = "";
    const read = async (until: RegExp): Promise<void> => {
      while (!until.test(told)) {
        const { done, value } = (await reader?.read()) ?? { done: true };
        assert.ok(!done, told);
        told += value;
      }
    };
    await read(/Hello, ana!/);
    assert.doesNotMatch(told, /has ended/);
    assert.ok(Number(await elsewhere.mutate("everywhere")) >= 1);
    await read(/The session has ended\./);
    assert.equal((await here.me()).name, "stranger");
    assert.equal((await elsewhere.me()).name, "ana");
  });

  test("refuses another site's call", async () => {
    const response = await fetch(`${site.url}/note`, {
      method: "POST",
      headers: { origin: "https://elsewhere.example", "content-type": "application/json" },
      body: JSON.stringify("planted"),
    });
    assert.equal(response.status, 403);
  });
});

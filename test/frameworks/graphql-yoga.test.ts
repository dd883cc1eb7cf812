// The example for GraphQL Yoga.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CookieJar } from "coatcheck/testing";
import { Example } from "./example.ts";
import type { RunningSite } from "./example.ts";

const example = new Example({
  name: "graphql-yoga",
  installed: "node_modules/graphql-yoga/package.json",
  start: ["server.ts"],
});

interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string }[];
}

// A suite that is skipped is not counted, a test is.
test("the example for GraphQL Yoga is installed", { skip: example.missing }, () => {});

describe("the example for GraphQL Yoga", { skip: example.missing }, () => {
  let site: RunningSite;

  before(async () => {
    await example.build();
    site = await example.start();
  });

  after(async () => site.close());

  function visitor() {
    const jar = new CookieJar();
    const send = async (query: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> => {
      const response = await fetch(`${site.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", cookie: jar.header ?? "", ...headers },
        body: JSON.stringify({ query }),
      });
      jar.take(response);
      return response;
    };
    const ask = async (query: string): Promise<Result> => (await (await send(query)).json()) as Result;
    return {
      jar,
      send,
      ask,
      me: async () => (await ask("{ me { name note messages } }")).data?.["me"],
      logIn: async () => ask('mutation { logIn(name: "ana", password: "correct horse") { name } }'),
    };
  }

  test("has the types it says", () => example.checkTypes());

  test("logs in, remembers, shows a message once, and logs out", async () => {
    const { ask, jar, logIn, me } = visitor();
    assert.deepEqual(await me(), { name: "stranger", note: "", messages: [] });
    assert.equal(jar.header, undefined, "a look sets no cookie");
    assert.match((await ask("{ secret }")).errors?.[0]?.message ?? "", /Log in first/);
    assert.deepEqual(await logIn(), { data: { logIn: { name: "ana" } } });
    assert.deepEqual(await me(), { name: "ana", note: "", messages: ["You are logged in."] });
    assert.deepEqual(await me(), { name: "ana", note: "", messages: [] });
    assert.deepEqual(await ask("{ secret }"), { data: { secret: "The page of ana" } });
    await ask("mutation { logOut }");
    assert.deepEqual(await me(), { name: "stranger", note: "", messages: [] });
  });

  test("a wrong password logs nobody in", async () => {
    const { ask, me } = visitor();
    const { errors } = await ask('mutation { logIn(name: "ana", password: "wrong") { name } }');
    assert.equal(errors?.[0]?.message, "Login failed.");
    assert.deepEqual(await me(), { name: "stranger", note: "", messages: [] });
  });

  test("nothing that an operation set is kept if a resolver in it throws, although the status is 200", async () => {
    const { ask, me, send } = visitor();
    await ask('mutation { note(note: "before") }');
    const response = await send('mutation { note(note: "also lost") fail(note: "lost") }');
    assert.equal(response.status, 200);
    assert.equal(((await response.json()) as Result).errors?.length, 1);
    assert.deepEqual(await me(), { name: "stranger", note: "before", messages: [] });
  });

  test("a login stands although its resolver failed", async () => {
    const { ask, me } = visitor();
    assert.equal((await ask('mutation { failAfterLogin(note: "lost") }')).errors?.length, 1);
    assert.deepEqual(await me(), { name: "ana", note: "", messages: [] });
  });

  test("a query that is not valid runs nothing", async () => {
    const { ask, me } = visitor();
    await ask('mutation { note(note: "before") }');
    assert.equal((await ask('mutation { note(note: "after") nonsense }')).errors?.length, 1);
    assert.deepEqual(await me(), { name: "stranger", note: "before", messages: [] });
  });

  test("a logout from elsewhere ends a session, and the subscriptions in it", async () => {
    const [here, elsewhere] = [visitor(), visitor()];
    await here.logIn();
    await elsewhere.logIn();
    const stream = await here.send("subscription { greetings }", { accept: "text/event-stream" });
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
    assert.ok(Number((await elsewhere.ask("mutation { everywhere }")).data?.["everywhere"]) >= 1);
    await read(/The session has ended\./);
    assert.match(JSON.stringify(await here.me()), /stranger/);
    assert.match(JSON.stringify(await elsewhere.me()), /ana/);
  });

  test("refuses another site's operation", async () => {
    const response = await visitor().send("{ me { name } }", { origin: "https://elsewhere.example" });
    assert.equal(response.status, 403);
  });
});

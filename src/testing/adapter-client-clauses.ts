import assert from "node:assert/strict";
import { clause, Gate } from "./adapter-site.ts";
import type { AdapterClause } from "./adapter-site.ts";

/** What an adapter does when the client goes away. */
export const clientClauses: readonly AdapterClause[] = [
  clause(
    "survives clients that go away before or during the response",
    () => {
      const gate = new Gate();
      return {
        "/slow": async (session) => {
          await (await session()).login("ana");
          await gate.arrive();
          return { body: "late" };
        },
        "/endless": async (session) => {
          (await session()).set("a", "kept");
          async function* body(): AsyncGenerator<string> {
            for (;;) {
              yield "more ";
              await new Promise((resolve) => setImmediate(resolve));
            }
          }
          return { body: body() };
        },
        "/arrived": async () => {
          await gate.arrived;
          return {};
        },
        "/go-on": async () => {
          gate.open();
          return {};
        },
      };
    },
    async (site) => {
      const hangUp = new AbortController();
      const slow = assert.rejects(site.visit("/slow", { signal: hangUp.signal }));
      await site.read("/arrived");
      hangUp.abort();
      await slow;
      await site.read("/go-on");
      const hangUpLater = new AbortController();
      const endless = await site.visit("/endless", { signal: hangUpLater.signal });
      const reader = endless.body?.getReader();
      await reader?.read();
      hangUpLater.abort();
      await assert.rejects(async () => {
        for (;;) if ((await reader?.read())?.done !== false) throw new Error("ended");
      });
      assert.deepEqual(await site.state(), [null, { a: "kept" }]);
    },
  ),

  clause(
    "gives back the messages of a page whose client went away before it was answered",
    () => {
      const gate = new Gate();
      const closed = new Gate();
      return {
        "/take-slowly": async (session) => {
          await (await session()).takeFlashes();
          await gate.arrive();
          closed.open();
          return { body: "hello" };
        },
        "/arrived": async () => {
          await gate.arrived;
          return {};
        },
        "/go-on": async () => {
          gate.open();
          await closed.arrive();
          return {};
        },
      };
    },
    async (site) => {
      await site.read("/flash");
      const hangUp = new AbortController();
      const taken = assert.rejects(site.visit("/take-slowly", { signal: hangUp.signal }));
      await site.read("/arrived");
      hangUp.abort();
      await taken;
      // The server notices the closed connection some round trips later.
      let messages = "";
      for (let trips = 0; messages === "" && trips < 200; trips++) messages = await site.read("/take");
      assert.equal(messages, "hello");
      await site.read("/go-on");
    },
  ),
];

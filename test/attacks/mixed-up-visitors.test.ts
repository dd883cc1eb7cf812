import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { home, testEverywhere, testOnStores } from "../support/site.ts";

testOnStores(
  "[77] ten thousand interleaved requests of a hundred visitors: each message reaches its own visitor, once",
  async (site) => {
    const shown = new Map<string, string[]>();
    const visit = async (subject: string): Promise<void> => {
      const visitor = site.visitor();
      const messages: string[] = [];
      shown.set(subject, messages);
      await visitor.login(subject);
      for (let round = 0; round < 33; round++) {
        const page = () =>
          visitor.with(async (session) => {
            await turn();
            for (const { message } of await session.takeFlashes()) messages.push(message);
          });
        await visitor.with(
          async (session) => {
            await turn();
            session.flash(`${subject} ${round}`);
          },
          { method: "POST" },
        );
        await Promise.all([page(), page()]);
      }
    };
    const subjects = Array.from({ length: 100 }, (_, at) => `visitor-${at}`);
    await Promise.all(subjects.map(visit));
    for (const [subject, messages] of shown) {
      assert.deepEqual(
        messages,
        Array.from({ length: 33 }, (_, round) => `${subject} ${round}`),
      );
    }
  },
);

testEverywhere(
  "[84] ten thousand requests at once: each sees its own session through current(), whatever it awaits",
  async (site) => {
    const visitors = await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const visitor = site.visitor();
        await visitor.login(`visitor-${at}`);
        await visitor.with((session) => session.set("canary", `canary-${at}`));
        return visitor;
      }),
    );
    const deepBelow = async (): Promise<string> => {
      for (let hops = 0; hops < 3; hops++) await turn();
      const session = await site.sessions.current();
      await turn();
      const again = await site.sessions.current();
      assert.equal(session, again);
      const asked = site.sessions.currentCookies().get("asks");
      return `${session.subject} ${session.get("canary") as string} ${asked}`;
    };
    const rounds = 50;
    await Promise.all(
      visitors.flatMap((visitor, at) =>
        Array.from({ length: rounds }, async () => {
          const cookie = `asks=${at}; ${visitor.jar.header(home)}`;
          const response = await visitor.sendQuietly(async () => new Response(await deepBelow()), { cookie });
          assert.equal(await response.text(), `visitor-${at} canary-${at} ${at}`);
        }),
      ),
    );
  },
);

testEverywhere(
  "[84] outside a request there is no current session, and another request's is never found",
  async (site) => {
    await assert.rejects(site.sessions.current(), { code: "NO_SESSION_HERE" });
    assert.throws(() => site.sessions.currentCookies(), { code: "NO_SESSION_HERE" });
    await assert.rejects(site.sessions.of(new Request(home)), { code: "NO_SESSION_HERE" });
    await assert.rejects(site.sessions.of({}), { code: "NO_SESSION_HERE" });
    assert.throws(() => site.sessions.cookies(new Request(home)), { code: "NO_SESSION_HERE" });
    const other = site.sessionsWith({ cookie: { name: "__Host-other" } });
    const response = await site.visitor().send(async (at) => {
      await assert.rejects(other.current(), { code: "NO_SESSION_HERE" });
      await assert.rejects(other.of(at), { code: "NO_SESSION_HERE" });
      return new Response();
    });
    assert.equal(response.status, 200);
    await assert.rejects(site.sessions.current(), { code: "NO_SESSION_HERE" });
  },
);

testOnStores(
  "[84] of a hundred requests that want a thing that can be used once, one gets it",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.set("voucher", "once"));
    const cookie = visitor.jar.header(home);
    const got = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const again = site.visitor();
        return again.with(
          async (session) => {
            let mine = false;
            await session.update("voucher", (voucher) => {
              mine = voucher === "once";
              return null;
            });
            return mine;
          },
          { cookie },
        );
      }),
    );
    assert.equal(got.filter(Boolean).length, 1);
  },
);

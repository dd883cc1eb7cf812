import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions } from "coatcheck";
import { fromCookieSession } from "coatcheck/adopt";
import { stores, temporaryFolder } from "../contracts/stores.ts";
import { cookieSessionCookies } from "./old-systems.ts";

/** One request. @returns what the page saw, and the cookies that were set, by name. */
async function visit<T>(sessions: Sessions, cookie: string, page: (session: Session) => T) {
  let seen: Awaited<T> | undefined;
  const request = new Request("https://site.example/", { headers: { cookie } });
  const response = await sessions.handle(request, async (own) => {
    seen = await page(await sessions.of(own));
    return new Response();
  });
  assert.equal(response.status, 200);
  const pairs = response.headers.getSetCookie().map((line) => line.split(";")[0] ?? "");
  return { seen, ticket: pairs.find((pair) => pair.startsWith("__Host-Http-session=")) };
}

for (const { name, open, skip = false } of stores) {
  test(
    `on ${name}: many first requests at once are one session, and its logout stays one`,
    { skip },
    async (t) => {
      const door = open(temporaryFolder(t));
      const secret = generateSecret();
      const source = fromCookieSession<{ user: string }>({
        secret: "the old key",
        until: new Date(Date.now() + 86_400_000),
        take: (old) => ({ subject: old.user, data: { name: "Léa" }, permanent: true }),
      });
      const servers = [1, 2].map(() => createSessions({ secret, store: door(), adopt: [source] }));
      t.after(async () => Promise.all(servers.map((sessions) => sessions.close())));
      const [here, there] = servers as [Sessions, Sessions];
      const subject = `leo-${generateSecret()}`;
      const cookie = cookieSessionCookies({ user: subject }, "the old key");

      const first = await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          visit(at % 2 === 0 ? here : there, cookie, (session) => [session.subject, session.get("name")]),
        ),
      );
      for (const { seen } of first) assert.deepEqual(seen, [subject, "Léa"]);
      assert.equal(new Set(first.map(({ ticket }) => ticket)).size, 1);
      assert.equal((await there.list(subject)).length, 1);

      const ticket = first[0]?.ticket ?? "";
      assert.equal((await visit(there, ticket, (session) => session.subject)).seen, subject);
      await visit(here, ticket, (session) => session.logout());
      for (const sessions of servers)
        assert.equal((await visit(sessions, cookie, (session) => session.subject)).seen, undefined);

      // Of a subject whose sessions were ended, no old cookie opens one.
      const other = `ada-${generateSecret()}`;
      assert.equal(await here.revokeAll(other), 0);
      assert.equal(await here.revokeAll(other), 0);
      const late = cookieSessionCookies({ user: other }, "the old key");
      assert.equal((await visit(there, late, (session) => session.subject)).seen, undefined);
      assert.deepEqual(await there.list(other), []);
    },
  );
}

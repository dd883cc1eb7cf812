// What docs/testing.md says about Playwright: Chromium takes the session's cookie from signIn over plain http.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { BrowserContext } from "playwright-core";
import { createSessions, generateSecret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import { sessionOf, signIn } from "coatcheck/testing";
import { startChromium } from "./chromium.ts";

const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });
const listener = nodeSessions(sessions, async (request, response) => {
  const session = await sessions.of(request);
  if (request.url === "/logout") await session.logout();
  response.end(session.subject ?? "nobody");
});

describe("Playwright's contexts", () => {
  const profile = mkdtempSync(join(tmpdir(), "coatcheck-profile-"));
  const server = createServer(listener);
  let chromium: BrowserContext | undefined;
  let port = 0;

  before(async () => {
    await once(server.listen(0), "listening");
    ({ port } = server.address() as AddressInfo);
    try {
      chromium = await startChromium(profile, {});
    } catch (error) {
      if (process.env["CI"]) throw error;
    }
  });

  after(async () => {
    await chromium?.close();
    server.close();
    server.closeAllConnections();
    rmSync(profile, { recursive: true, force: true });
  });

  for (const host of ["localhost", "127.0.0.1"]) {
    test(`are logged in on http://${host}, and logged out by the site`, async (t) => {
      const browser = chromium?.browser();
      if (!browser) {
        t.skip("Chromium does not start here");
        return;
      }
      const url = `http://${host}:${port}/`;
      const leo = await signIn(sessions, "leo");
      const fresh = await browser.newContext({ storageState: leo.storageState(url) });
      const open = await browser.newContext();
      await open.addCookies(leo.storageState(url).cookies);
      for (const context of [fresh, open]) {
        const page = await context.newPage();
        await page.goto(url);
        assert.equal(await page.innerText("body"), "leo");
        assert.equal(await (await context.request.get(url)).text(), "leo");
        assert.equal((await sessionOf(sessions, await context.cookies()))?.id, leo.id);
      }
      const [page] = fresh.pages();
      await page?.goto(`${url}logout`);
      assert.deepEqual(await fresh.cookies(), []);
      assert.equal(await sessionOf(sessions, leo), undefined);
      await fresh.close();
      await open.close();
    });
  }
});

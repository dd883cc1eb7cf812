import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { generateSecret } from "coatcheck";
import type { Duration } from "coatcheck";
import { testClock } from "coatcheck/testing";
import { listen } from "../../app/listen.ts";
import { openSite } from "../../app/site.ts";
import type { Site, SiteOptions } from "../../app/site.ts";
import { Visitor } from "./visitor.ts";

/** The reference application on a port of its own, with a clock that only moves when told to. */
export interface TestSite {
  readonly url: string;
  readonly site: Site;
  readonly dataDir: string;
  /** Lets time pass. */
  later(duration: Duration): void;
  /** What the site would have written to its log. */
  readonly reported: unknown[];
  visitor(agent?: string): Visitor;
}

/** Starts a site with a fresh database; it is gone when the test ends. */
export async function testSite(t: TestContext, options: Partial<SiteOptions> = {}): Promise<TestSite> {
  const dataDir = mkdtempSync(join(tmpdir(), "coatcheck-app-"));
  const clock = testClock();
  const reported: unknown[] = [];
  const site = openSite({
    dataDir,
    secret: generateSecret(),
    clock,
    // The real cost is for real passwords; a test of the pages would only wait for it.
    hashCost: { memoryKiB: 64, passes: 1 },
    report: (error) => reported.push(error),
    ...options,
  });
  const { address, close } = await listen(site.app, undefined, 0);
  t.after(async () => {
    await close();
    await site.close();
    rmSync(dataDir, { recursive: true });
  });
  const running: TestSite = {
    url: address,
    site,
    dataDir,
    reported,
    later: ({ days = 0, hours = 0, minutes = 0, seconds = 0 }) =>
      clock.advance((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000),
    visitor: (agent) => new Visitor(running, agent),
  };
  return running;
}

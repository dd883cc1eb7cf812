import { exploreInterleavings } from "./interleavings.ts";
import { RaceSite } from "./race-site.ts";
import type { RaceSetting } from "./race-site.ts";

/** Requests that overlap in one browser, and what must hold in every order. */
export interface Overlap {
  /** The visits before, one after the other. */
  readonly before: readonly string[];
  /** The visits that overlap: each list is one tab. The first of each sends the cookie that the browser had before. */
  readonly tabs: readonly (readonly string[])[];
  /** What must hold at the end; `responses` by path. */
  verify(site: RaceSite, responses: ReadonlyMap<string, Response>, cookie: string | undefined): Promise<void>;
}

/** Tries every order. @returns the number of orders. */
export async function exploreOverlap(setting: RaceSetting, overlap: Overlap): Promise<number> {
  return exploreInterleavings(async () => {
    const site = await RaceSite.open(setting);
    for (const path of overlap.before) await site.visit(path);
    site.probe.calls.length = 0;
    const cookie = site.jar.header;
    const responses = new Map<string, Response>();
    return {
      actors: overlap.tabs.map((paths, tab) => async () => {
        for (const [step, path] of paths.entries()) {
          // A tab's later visits send the browser's current cookies.
          const sent = step === 0 ? cookie : site.jar.header;
          const response = await site.visit(path, sent);
          responses.set(responses.has(path) ? `${path} in tab ${tab}` : path, response);
        }
      }),
      async verify() {
        try {
          await overlap.verify(site, responses, cookie);
        } finally {
          await site.close();
        }
      },
    };
  });
}

// One contender's app in its own process: `node bench/server.ts <contender>`, started by the other programs here.
// It reports its port to its parent, and replies to "cpu", "memory", "profile" and "end".

import { contenders } from "./contenders.ts";
import { profiling } from "./profile.ts";
import type { Profile } from "./profile.ts";

/** A message from the parent. The first "profile" starts a profile, the second ends it. */
export type Question = "cpu" | "memory" | "profile" | "end";

/** A message to the parent. */
export type Told =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "cpu"; readonly microseconds: number }
  | { readonly kind: "memory"; readonly heap: number; readonly resident: number }
  | { readonly kind: "profile"; readonly profile: Profile | undefined };

function tell(message: Told): void {
  process.send?.(message);
}

const contender = contenders.find(({ id }) => id === process.argv[2]);
if (contender === undefined) throw new Error(`There is no contender "${process.argv[2]}".`);
process.on("disconnect", () => process.exit());
process.on("message", (question: Question) => {
  void answer(question);
});
const site = await contender.open();
tell({ kind: "listening", port: await site.listen() });

let stop: (() => Promise<Profile>) | undefined;

async function answer(question: Question): Promise<void> {
  switch (question) {
    case "cpu": {
      const { user, system } = process.cpuUsage();
      tell({ kind: "cpu", microseconds: user + system });
      break;
    }
    case "memory": {
      globalThis.gc?.();
      globalThis.gc?.();
      const { heapUsed, external, rss } = process.memoryUsage();
      tell({ kind: "memory", heap: heapUsed + external, resident: rss });
      break;
    }
    case "profile": {
      const profile = await stop?.();
      stop = stop === undefined ? await profiling() : undefined;
      tell({ kind: "profile", profile });
      break;
    }
    case "end":
      process.exit();
  }
}

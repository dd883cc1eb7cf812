import { AsyncLocalStorage } from "node:async_hooks";

/** A fresh world for one run: what runs at once, and what must hold afterwards. */
export interface World {
  /** Each calls `pause` (or what it uses does) wherever another may come between. */
  readonly actors: readonly (() => Promise<void>)[];
  /** Throws when something does not hold. */
  verify(): Promise<void>;
}

/** How many turns of the event loop an actor gets to reach its next pause; after that it waits for another actor. */
const maxTurns = 10;

interface ActorState {
  /** Lets a paused actor go on; `undefined` while it runs. */
  resume: (() => void) | undefined;
  /** How many calls to the outside world (a database, say) it waits for. */
  outside: number;
  isDone: boolean;
}

const current = new AsyncLocalStorage<ActorState>();

/** A point where other actors may come between; outside an exploration it does nothing. */
export async function pause(): Promise<void> {
  const actor = current.getStore();
  if (actor === undefined) return;
  await new Promise<void>((resolve) => {
    actor.resume = resolve;
  });
}

/** Marks work that takes its own time, such as a database's: the exploration waits for it. */
export async function outside<T>(work: () => T | Promise<T>): Promise<T> {
  const actor = current.getStore();
  if (actor === undefined) return work();
  actor.outside++;
  try {
    return await work();
  } finally {
    actor.outside--;
  }
}

/**
 * Runs the actors of fresh worlds in every order that their pauses allow, one actor at a time, and
 * verifies each world at the end: what goes wrong in any order is found, and found every time.
 *
 * @returns how many orders there were.
 * @throws what `verify` or an actor threw, with the order as its cause's message.
 */
export async function exploreInterleavings(makeWorld: () => Promise<World>): Promise<number> {
  // Depth first: `order` says which of the paused actors goes on at each step; beyond its end, the first.
  let order: number[] = [];
  for (let runs = 1; ; runs++) {
    const { taken, choices } = await runOnce(await makeWorld(), order);
    let last = taken.length - 1;
    while (last >= 0 && (taken[last] ?? 0) + 1 >= (choices[last] ?? 0)) last--;
    if (last < 0) return runs;
    order = [...taken.slice(0, last), (taken[last] ?? 0) + 1];
  }
}

async function runOnce(
  world: World,
  order: readonly number[],
): Promise<{ taken: number[]; choices: number[] }> {
  const taken: number[] = [];
  const choices: number[] = [];
  const path: number[] = [];
  const states: ActorState[] = [];
  try {
    const work = world.actors.map(async (actor) => {
      const state: ActorState = { resume: undefined, outside: 0, isDone: false };
      states.push(state);
      try {
        await current.run(state, async () => {
          await pause();
          await actor();
        });
      } finally {
        state.isDone = true;
      }
    });
    const all = Promise.allSettled(work);
    for (;;) {
      await settled(states);
      const paused = states.filter(({ resume }) => resume !== undefined);
      if (paused.length === 0) break;
      const choice = order[taken.length] ?? 0;
      taken.push(choice);
      choices.push(paused.length);
      const next = paused[choice];
      if (next === undefined)
        throw new Error("The world is not deterministic: an actor that paused before does not now.");
      path.push(states.indexOf(next));
      const { resume } = next;
      next.resume = undefined;
      resume?.();
    }
    if (states.some(({ isDone }) => !isDone)) throw new Error("The actors wait for each other.");
    for (const result of await all) if (result.status === "rejected") throw result.reason;
    await world.verify();
    return { taken, choices };
  } catch (error) {
    throw new Error(`In the order ${path.join(" ")} of ${states.length} actors: ${String(error)}`, {
      cause: error,
    });
  }
}

/** Waits until every actor is paused, done, or waiting for another one. */
async function settled(states: readonly ActorState[]): Promise<void> {
  for (let turns = 0; turns < maxTurns; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (states.some((state) => state.outside > 0)) turns = 0;
    else if (states.every(({ resume, isDone }) => isDone || resume !== undefined)) return;
  }
}

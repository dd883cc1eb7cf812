import { spread } from "./statistics.ts";
import type { Spread } from "./statistics.ts";

/** The cost of one call. */
export interface Timing {
  readonly name: string;
  /** Processor time in microseconds. */
  readonly cpu: Spread;
  /** Microseconds until the result is available. */
  readonly elapsed: Spread;
}

const samples = 9;

/**
 * Times a piece of work: calls it until it is compiled, and then in a number of samples.
 *
 * @param work one call; awaited if it returns a promise.
 * @param milliseconds the approximate length of a sample.
 */
export async function time(
  name: string,
  work: (turn: number) => unknown,
  milliseconds = 100,
): Promise<Timing> {
  let calls = 1;
  let turn = 0;
  const run = async (): Promise<{ cpu: number; elapsed: number }> => {
    const [cpu, started] = [process.cpuUsage(), performance.now()];
    for (let call = 0; call < calls; call++) {
      const answer = work(turn++);
      if (answer instanceof Promise) await answer;
    }
    const used = process.cpuUsage(cpu);
    return { cpu: used.user + used.system, elapsed: (performance.now() - started) * 1000 };
  };
  for (const wanted of [0.2, 1, 2]) {
    for (;;) {
      const { elapsed } = await run();
      if (elapsed >= milliseconds * wanted * 1000) {
        calls = Math.max(1, Math.round((calls * milliseconds * 1000) / elapsed));
        break;
      }
      calls *= 2;
    }
  }
  const runs = [];
  for (let sample = 0; sample < samples; sample++) runs.push(await run());
  return {
    name,
    cpu: spread(runs.map(({ cpu }) => cpu / calls)),
    elapsed: spread(runs.map(({ elapsed }) => elapsed / calls)),
  };
}

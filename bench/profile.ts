import { Session } from "node:inspector/promises";
import type { Profiler } from "node:inspector";
import { basename, dirname, join } from "node:path";

/** Where the processor's time went: shares of the time that was not idle, the largest first. */
export interface Profile {
  /** By package or part of Node. */
  readonly places: readonly Share[];
  /** By function, with its file. */
  readonly functions: readonly Share[];
}

export interface Share {
  readonly name: string;
  /** Between 0 and 1. */
  readonly share: number;
}

/** Samples this process until told to stop. */
export async function profiling(): Promise<() => Promise<Profile>> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 100 });
  await session.post("Profiler.start");
  return async () => {
    const { profile } = await session.post("Profiler.stop");
    session.disconnect();
    return summaryOf(profile);
  };
}

const waiting = new Set(["(idle)", "(root)"]);

function summaryOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Profile {
  const frames = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const places = new Map<string, number>();
  const functions = new Map<string, number>();
  let total = 0;
  for (const [at, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame === undefined || waiting.has(frame.functionName)) continue;
    const time = timeDeltas[at] ?? 0;
    total += time;
    const { place, file } = placeOf(frame.functionName, frame.url);
    const name = `${frame.functionName === "" ? "(anonymous)" : frame.functionName} ${file}`.trim();
    places.set(place, (places.get(place) ?? 0) + time);
    functions.set(name, (functions.get(name) ?? 0) + time);
  }
  return { places: shares(places, total), functions: shares(functions, total) };
}

function shares(times: ReadonlyMap<string, number>, total: number): Share[] {
  return Array.from(times, ([name, time]) => ({ name, share: time / total })).toSorted(
    (one, other) => other.share - one.share,
  );
}

function placeOf(name: string, url: string): { readonly place: string; readonly file: string } {
  if (name === "(garbage collector)") return { place: "garbage collector", file: "" };
  if (url === "") return { place: "native code", file: "" };
  if (url.startsWith("node:"))
    return { place: url.replace(/^(node:(?:internal\/)?[\w-]+).*/, "$1"), file: url };
  const inPackage = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  const file = join(basename(dirname(url)), basename(url));
  if (inPackage !== undefined) return { place: inPackage, file: `${inPackage}/${basename(url)}` };
  const isOurs = /\/(?:dist|src)\/(?:core|stores|adapters|index|errors)\b/.test(url);
  return { place: isOurs ? "coatcheck" : "the app itself", file };
}

// Whether stores stay as quick when they fill up: `npm run bench -- --million` starts it. Prints JSON.
//
//   node bench/million.ts <store> <most>

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Store } from "coatcheck";
import type { SessionRecord } from "coatcheck/store";
import { newRecordId } from "../src/crypto/ticket.ts";
import { pgPool, redisClient, redisPrefix } from "./clients.ts";
import { setting } from "./site.ts";
import { spread } from "./statistics.ts";
import type { Spread } from "./statistics.ts";
import { time } from "./stopwatch.ts";

/** What calls cost with so many sessions in the store, in microseconds until the answer. */
export interface Filling {
  readonly sessions: number;
  readonly read: Spread;
  readonly patch: Spread;
  /** The ten sessions of a subject. */
  readonly list: Spread;
  /** Of one call that deletes 500 expired sessions. */
  readonly sweep: Spread;
  /** On the way there, several at a time. */
  readonly create: number;
}

/** How many sessions a subject has. */
const perSubject = 10;
/** How many calls fill the store at once. */
const atOnce = 64;
/** The ids that are asked for, evenly among all. */
const kept = 20_000;
/** What a sweep deletes, at most; as many as the core asks for. */
const batch = 500;
const batches = 3;
/** How long those that a sweep is to find live, in milliseconds. */
const shortLife = 3000;

const [kind = "", mostText = "1000000"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "coatcheck-million-"));

/** Filling up is more than a store has to bear at work. */
const timeout = { seconds: 60 };

/** @param options of PostgreSQL's connections. */
async function open(options?: string): Promise<Store> {
  switch (kind) {
    case "memory":
      return (await import("coatcheck/memory")).memoryStore({ maxRecords: 2_000_000 });
    case "sqlite":
      return (await import("coatcheck/sqlite")).sqliteStore({ path: join(folder, "sessions.db") });
    case "redis": {
      const { redisStore } = await import("coatcheck/redis");
      return redisStore({
        client: await redisClient(),
        prefix: redisPrefix("million"),
        timeout,
        onWarning: () => {},
      });
    }
    case "postgres": {
      const { postgresStore } = await import("coatcheck/postgres");
      return postgresStore({
        client: pgPool(options),
        schema: setting("BENCH_SCHEMA"),
        table: "million",
        timeout,
      });
    }
    default:
      throw new Error(`There is no store "${kind}".`);
  }
}

function recordOf(subject: string, idleTimeout: number): SessionRecord {
  const now = Date.now();
  return {
    id: newRecordId(),
    epoch: 0,
    revision: 1,
    verifier: crypto.getRandomValues(new Uint8Array(32)),
    ticketAt: now,
    subject,
    createdAt: now,
    authenticatedAt: now,
    lastSeenAt: now,
    idleTimeout,
    absoluteDeadline: now + 31 * 86_400_000,
    permanent: false,
    // As large as a sealed name and a browser's.
    fields: new Map([
      ["d:user", crypto.getRandomValues(Buffer.alloc(40))],
      ["m:agent", crypto.getRandomValues(Buffer.alloc(140))],
    ]),
  };
}

/** Runs a piece of work so often, several at a time. */
async function often(times: number, work: (turn: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < times) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

const store = await open();
// Only those who fill it need not wait for the disk.
const filler = kind === "postgres" ? await open("-c synchronous_commit=off") : store;

/** The sessions of one step; some of them are remembered. */
interface Step {
  readonly count: number;
  readonly ids: readonly string[];
}

const steps: Step[] = [];
let filled = 0;

/** @returns what one took, in microseconds. */
async function fillTo(total: number): Promise<number> {
  const started = performance.now();
  const [first, count, ids] = [filled, total - filled, [] as string[]];
  const every = Math.max(1, Math.floor(count / kept));
  await often(count, async (turn) => {
    const record = recordOf(subjectOf(first, count, turn), 86_400_000);
    if (turn % every === 0) ids.push(record.id);
    if (!(await filler.create(record))) throw new Error("The store did not take a record.");
  });
  steps.push({ count, ids });
  filled = total;
  return ((performance.now() - started) * 1000) / count;
}

/** The sessions of a subject are not neighbours in time. */
function subjectOf(first: number, count: number, turn: number): string {
  return `${first}-${turn % (count / perSubject)}`;
}

/** Any session's step, and the number of its first. */
function anyStep(): { readonly step: Step; readonly first: number } {
  const at = Math.random() * filled;
  let first = 0;
  for (const step of steps) {
    if (at < first + step.count) return { step, first };
    first += step.count;
  }
  throw new Error("The store is empty.");
}

function anyId(): string {
  const { ids } = anyStep().step;
  return ids[Math.floor(Math.random() * ids.length)] ?? "";
}

function anySubject(): string {
  const { step, first } = anyStep();
  return subjectOf(first, step.count, Math.floor(Math.random() * step.count));
}

async function sweeps(): Promise<Spread> {
  await often(batch * batches, async () => filler.create(recordOf("gone", shortLife)));
  await wait(shortLife + 500);
  const times: number[] = [];
  for (let sweep = 0; sweep < batches; sweep++) {
    const started = performance.now();
    await store.sweep(Date.now(), batch);
    times.push((performance.now() - started) * 1000);
  }
  return spread(times);
}

async function measure(count: number): Promise<Filling> {
  const create = await fillTo(count);
  // As PostgreSQL does by itself, within a minute or so.
  if (kind === "postgres") await pgPool().query(`ANALYZE ${setting("BENCH_SCHEMA")}.million`);
  // What is being written to disk in the background would be counted with the reads.
  await wait(1000);
  const check = await store.read(anyId(), Date.now());
  if (check === null) throw new Error("The store has lost a record.");
  if ((await store.list(anySubject(), Date.now())).length !== perSubject) throw new Error("A list is short.");
  return {
    sessions: count,
    create,
    read: (await time("read", () => store.read(anyId(), Date.now()))).elapsed,
    patch: (
      await time("patch", () =>
        store.patch(anyId(), { epoch: 0, set: new Map([["d:count", Buffer.alloc(36, 1)]]) }, Date.now()),
      )
    ).elapsed,
    list: (await time("list", () => store.list(anySubject(), Date.now()))).elapsed,
    sweep: await sweeps(),
  };
}

const fillings: Filling[] = [];
for (const count of [10_000, 100_000, 1_000_000].filter((step) => step <= Number(mostText))) {
  process.stderr.write(`${kind}: ${count} sessions\n`);
  fillings.push(await measure(count));
}
await store.close();
rmSync(folder, { recursive: true, force: true });
process.stdout.write(JSON.stringify(fillings), () => process.exit());

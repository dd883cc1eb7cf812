import assert from "node:assert/strict";
import { memoryStore } from "coatcheck/memory";
import { adapterContract } from "coatcheck/testing";
import type { StartServer } from "coatcheck/testing";
import { apps } from "../contracts/apps.ts";
import type { MakeApp } from "../contracts/apps.ts";
import { exceptions, http2Exceptions, runtimeExceptions } from "../contracts/exceptions.ts";
import type { AppName } from "../contracts/exceptions.ts";
import { appWith, exceptions as dropInExceptions } from "../express-session/contract-apps.ts";
import type { Report } from "./clause.ts";

/** How a runtime serves an app, by protocol; HTTP/2 is left out for apps that are not made for it. */
export type Ways = Readonly<Record<string, (make: MakeApp, app: AppName) => StartServer>>;

/** The drop-in for express-session, in Express 5. */
const dropIn = "express-session";

/** What is answered at all is answered much sooner; a request that hangs must not stop the others. */
const patience = 15_000;

async function inTime(work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no end after ${patience} ms`)), patience);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs the contract of every adapter, one clause after the other. Exceptions that hold no longer are faults, too. */
export async function runAdapters(runtime: string, version: string, ways: Ways): Promise<Report> {
  const own = runtimeExceptions[runtime];
  const held: Record<string, number> = {};
  const lacks: string[] = [];
  const faults: string[] = [];
  for (const [name, make] of Object.entries({ ...apps, [dropIn]: appWith("properties") })) {
    const app = name as AppName;
    held[app] = 0;
    const missing = own?.missing?.[app];
    if (missing !== undefined) {
      lacks.push(app);
      if (missing.isSo()) held[app]++;
      else faults.push(`${app} is said to be missing here, since ${missing.why}; that is not so`);
      continue;
    }
    const excepted = Object.keys(
      name === dropIn
        ? { ...dropInExceptions.properties, ...own?.clauses?.express }
        : { ...exceptions[app], ...own?.clauses?.[app] },
    );
    for (const [protocol, serve] of Object.entries(ways)) {
      if (protocol === "HTTP/2" && (app in http2Exceptions || name === dropIn)) continue;
      for (const clause of adapterContract) {
        const check = async (): Promise<void> =>
          inTime(clause.check({ openStore: () => memoryStore(), start: serve(make, app) }));
        try {
          if (excepted.some((start) => clause.name.startsWith(start)))
            await assert.rejects(check(), "an exception that holds");
          else await check();
          held[app]++;
        } catch (error) {
          const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
          faults.push(`${app} over ${protocol}: ${clause.name}: ${said}`);
        }
      }
    }
  }
  return { version, held, lacks, faults };
}

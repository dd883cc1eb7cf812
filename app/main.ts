import cluster from "node:cluster";
import * as crypto from "node:crypto";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError, StoreError } from "coatcheck";
import type { Sessions } from "coatcheck";
import { buildDocs } from "./docs-build.ts";
import { readEnvironment } from "./environment.ts";
import type { Settings } from "./environment.ts";
import { listen } from "./listen.ts";
import { readSecret } from "./secret.ts";
import { onStopSignal } from "./signals.ts";
import { openSite } from "./site.ts";
import { openStore } from "./store.ts";
import { DEMO } from "./users.ts";
import { superviseWorkers } from "./workers.ts";

/** Starts the site or its processes. @throws ConfigError with a message for the person who typed the command. */
async function start(): Promise<void> {
  if (typeof crypto.argon2 !== "function") {
    throw new ConfigError(
      "CONFIG_INVALID",
      `The reference application needs Node 24.7 or newer for argon2id; this is ${process.version}.`,
    );
  }
  const settings = readEnvironment(process.env);
  if (settings.workers > 1 && cluster.isPrimary) await superviseWorkers(settings.workers);
  else await serve(settings);
  if (process.argv.includes("--docs") && cluster.isPrimary) buildDocs();
}

/** Runs the site in this process. */
async function serve(settings: Settings): Promise<void> {
  const dataDir = resolve(settings.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const secret = readSecret(settings.secret, dataDir);
  const opened: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closeOne of opened.toReversed()) await closeOne();
  };
  try {
    const store = await openStore(settings.store, dataDir);
    opened.push(store.close);
    const site = openSite({
      dataDir,
      secret,
      store: store.store,
      proxies: settings.proxies,
      ...(settings.permanentLifetime && { permanentLifetime: settings.permanentLifetime }),
      ...(settings.publicOrigin !== undefined && { publicOrigin: settings.publicOrigin }),
    });
    opened.push(() => site.close());
    await check(site.sessions);
    const listening = await listen(site.app, settings.host, settings.port);
    opened.push(listening.close, async () => site.hangUp());
    greet(
      `Coatcheck's reference application: ${listening.address}\n` +
        `Log in as ${DEMO.name} with the password ${DEMO.password}. Sessions are kept in ${store.place}, everything else in ${dataDir}. Ctrl-C stops it.`,
    );
  } catch (error) {
    await close();
    throw error;
  }
  onStopSignal(
    () => {
      close().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    },
    () => process.exit(1),
  );
}

/** Keeps the site from starting without its key or with a store that can't work. An unreachable store may recover. */
async function check(sessions: Sessions): Promise<void> {
  try {
    await sessions.check();
  } catch (error) {
    if (!(error instanceof StoreError) || !error.transient) throw error;
  }
}

/** Reports that the site is running, to the process that started this one or to the person. */
function greet(greeting: string): void {
  if (cluster.isWorker) process.send?.(greeting);
  else console.log(greeting);
}

/** The message if the site can't start; `undefined` for a bug, whose stack trace helps more. */
function explain(error: unknown): string | undefined {
  if (error instanceof ConfigError && error.code.startsWith("SECRET_")) {
    const fromEnvironment = process.env["SESSION_SECRET"] !== undefined;
    const place = fromEnvironment ? "SESSION_SECRET" : `secret.key in ${process.env["DATA_DIR"] || "data"}`;
    const other = fromEnvironment
      ? "unset SESSION_SECRET"
      : "delete that file (everybody will be logged out)";
    return `Its secret key comes from ${place}: ${error.message}\nOr ${other}, and the site generates and stores its own key.`;
  }
  if (error instanceof ConfigError || error instanceof StoreError) return error.message;
  // Errors of the file system have a readable message.
  return error instanceof Error && "syscall" in error ? error.message : undefined;
}

try {
  await start();
} catch (error) {
  const explanation = explain(error);
  if (explanation === undefined) throw error;
  console.error(`The site did not start. ${explanation}`);
  process.exitCode = 1;
  // The channel to the parent process would keep this one running.
  cluster.worker?.disconnect();
}

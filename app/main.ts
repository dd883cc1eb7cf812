import cluster from "node:cluster";
import * as crypto from "node:crypto";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError, StoreError } from "coatcheck";
import type { Sessions } from "coatcheck";
import { readEnvironment } from "./environment.ts";
import type { Settings } from "./environment.ts";
import { listen } from "./listen.ts";
import { readSecret } from "./secret.ts";
import { onStopSignal } from "./signals.ts";
import { openSite } from "./site.ts";
import { openStore } from "./store.ts";
import { DEMO } from "./users.ts";
import { superviseWorkers } from "./workers.ts";

/** Starts the site, or the processes of it. @throws ConfigError, in words for whoever typed the command. */
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
}

/** Answers, in this process. */
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
    opened.push(listening.close);
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

/** Without its key, or with a store that will never work, the site does not start; a store that is away may come back. */
async function check(sessions: Sessions): Promise<void> {
  try {
    await sessions.check();
  } catch (error) {
    if (!(error instanceof StoreError) || !error.transient) throw error;
  }
}

/** Tells whoever waits for it that the site answers: the process that started this one, or the person. */
function greet(greeting: string): void {
  if (cluster.isWorker) process.send?.(greeting);
  else console.log(greeting);
}

/** What to say when the site cannot start; `undefined` for a fault of its own, whose trace helps more. */
function explain(error: unknown): string | undefined {
  if (error instanceof ConfigError && error.code.startsWith("SECRET_")) {
    const fromEnvironment = process.env["SESSION_SECRET"] !== undefined;
    const place = fromEnvironment ? "SESSION_SECRET" : `secret.key in ${process.env["DATA_DIR"] || "data"}`;
    const other = fromEnvironment
      ? "unset SESSION_SECRET"
      : "delete that file (everybody will be logged out)";
    return `Its secret key comes from ${place}: ${error.message}\nOr ${other}, and the site makes and keeps a key of its own.`;
  }
  if (error instanceof ConfigError || error instanceof StoreError) return error.message;
  // The file system says what is wrong in words.
  return error instanceof Error && "syscall" in error ? error.message : undefined;
}

try {
  await start();
} catch (error) {
  const explanation = explain(error);
  if (explanation === undefined) throw error;
  console.error(`The site did not start. ${explanation}`);
  process.exitCode = 1;
  // Its line to the process that started it would keep this one.
  cluster.worker?.disconnect();
}

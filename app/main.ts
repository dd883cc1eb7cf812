import * as crypto from "node:crypto";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError, StoreError } from "coatcheck";
import { readEnvironment } from "./environment.ts";
import { listen } from "./listen.ts";
import { readSecret } from "./secret.ts";
import { openSite } from "./site.ts";
import { DEMO } from "./users.ts";

const IMPATIENT_AFTER_MS = 1_000;

/** Starts the site. @throws ConfigError, in words for whoever typed the command. */
async function start(): Promise<void> {
  if (typeof crypto.argon2 !== "function") {
    throw new ConfigError(
      "CONFIG_INVALID",
      `The reference application needs Node 24.7 or newer for argon2id; this is ${process.version}.`,
    );
  }
  const settings = readEnvironment(process.env);
  const dataDir = resolve(settings.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const site = openSite({
    dataDir,
    secret: readSecret(settings.secret, dataDir),
    ...(settings.permanentLifetime && { permanentLifetime: settings.permanentLifetime }),
    ...(settings.publicOrigin !== undefined && { publicOrigin: settings.publicOrigin }),
  });
  const { address, close } = await listen(site.app, settings.host, settings.port).catch(
    async (error: unknown) => {
      await site.close();
      throw error;
    },
  );
  console.log(`Coatcheck's reference application: ${address}`);
  console.log(
    `Log in as ${DEMO.name} with the password ${DEMO.password}. Everything is kept in ${dataDir}. Ctrl-C stops it.`,
  );

  let since: number | undefined;
  const stop = () => {
    // Whoever asks again later does not want to wait; the same Ctrl-C may arrive twice at once.
    if (since !== undefined && performance.now() - since > IMPATIENT_AFTER_MS) process.exit(1);
    if (since !== undefined) return;
    since = performance.now();
    close()
      .then(() => site.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
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
}

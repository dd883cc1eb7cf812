import { argon2 } from "node:crypto";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError } from "coatcheck";
import { readEnvironment } from "./environment.ts";
import { listen } from "./listen.ts";
import { readSecret } from "./secret.ts";
import { openSite } from "./site.ts";
import { DEMO } from "./users.ts";

/** Starts the site; answers what to say when it cannot. */
async function start(): Promise<void> {
  if (typeof argon2 !== "function") {
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

  let stopping = false;
  const stop = () => {
    // A second signal means "now": without a listener it would be lost.
    if (stopping) process.exit(1);
    stopping = true;
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

try {
  await start();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`The site did not start. ${error.message}`);
  process.exitCode = 1;
}

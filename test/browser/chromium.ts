import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packed, { inflate } from "@sparticuz/chromium";
import { chromium } from "playwright-core";
import type { BrowserContext, BrowserContextOptions } from "playwright-core";

const packageRoot = dirname(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))));
const root = dirname(dirname(import.meta.dirname));

/**
 * Starts the Chromium of the dev dependencies with a profile folder, as a person's browser has one.
 *
 * None of the package's own flags are used: they are for a cloud function, and switch off the very
 * rules (who may read and send what) that these tests rely on.
 */
export async function startChromium(
  profile: string,
  options: BrowserContextOptions,
): Promise<BrowserContext> {
  const home = await unpacked();
  const environment = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  const env: Record<string, string> = Object.fromEntries(environment);
  if (!existsSync("/etc/fonts")) env["FONTCONFIG_PATH"] = join(home, "fonts");
  const start = (more: Record<string, string>): Promise<BrowserContext> =>
    chromium.launchPersistentContext(profile, {
      ...options,
      executablePath: join(home, "chromium"),
      args: ["--disable-gpu"],
      env: { ...env, ...more },
    });
  try {
    return await start({});
  } catch (error) {
    // A machine without a desktop may lack the few libraries that the package brings along.
    if (!(error instanceof Error && error.message.includes("error while loading shared libraries")))
      throw error;
    return start({
      LD_LIBRARY_PATH: [join(home, "al2023", "lib"), env["LD_LIBRARY_PATH"]].filter(Boolean).join(":"),
    });
  }
}

/**
 * The folder with the unpacked browser. The package would unpack into the machine's folder for
 * temporary files, where it takes whatever lies there under its name, half a file included; so it
 * unpacks into a folder of its own, which gets its name when it is complete.
 */
async function unpacked(): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as {
    version: string;
  };
  const cache = join(root, "node_modules", ".cache");
  const home = join(cache, `chromium-${version}`);
  if (existsSync(home)) return home;
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, "chromium-draft-"));
  const { TMPDIR } = process.env;
  process.env["TMPDIR"] = draft;
  try {
    await packed.executablePath();
    await inflate(join(packageRoot, "bin", "al2023.tar.br"));
    renameSync(draft, home);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(home)) throw error;
  } finally {
    if (TMPDIR === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = TMPDIR;
  }
  return home;
}

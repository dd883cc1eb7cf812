import { randomUUID } from "node:crypto";
import { chmodSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateSecret } from "coatcheck";

/**
 * The site's secret keys, newest first: from SESSION_SECRET (several are separated by commas), or otherwise from
 * `secret.key` in the data folder, which the first start creates.
 *
 * A variable that is set but empty counts as set: a deployment that lost its key must not start with another one
 * and log everybody out. The library decides whether a key is strong enough.
 */
export function readSecret(fromEnvironment: string | undefined, dataDir: string): string[] {
  if (fromEnvironment !== undefined) return fromEnvironment.split(",").map((key) => key.trim());
  const path = join(dataDir, "secret.key");
  makeOnce(path);
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  return [readFileSync(path, "utf8").trim()];
}

/**
 * Creates the key file if it is missing. The key is written to a temporary file, which is then linked into place.
 * Only one of several processes can succeed in that, and none ever reads half a key.
 */
function makeOnce(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })) return;
  const draft = `${path}.${randomUUID()}.draft`;
  writeFileSync(draft, `${generateSecret()}\n`, { mode: 0o600, flag: "wx" });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

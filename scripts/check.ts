// Checks everything besides behavior, one step after the other, and stops at the first that fails.
//
//   npm run check              all of it, then the quick tests; .ci/run has `--ci`, for all contracts
//   npm run check -- lint      only the named steps
//   npm run format             `format --fix`

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./build.ts";
import { packPackage } from "./pack.ts";

const root = dirname(import.meta.dirname);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { fix: { type: "boolean" }, ci: { type: "boolean" } },
});

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs a program of the dev dependencies (they are on the PATH) and returns its output. */
function program(command: string, ...args: string[]): Outcome {
  const windows = process.platform === "win32";
  const done = spawnSync(command, args, { cwd: root, encoding: "utf8", shell: windows, maxBuffer: 2 ** 26 });
  if (done.error) return { ok: false, output: `${command}: ${done.error.message}` };
  return { ok: done.status === 0, output: `${done.stdout}${done.stderr}` };
}

/** Runs tests with visible output, to show their progress. */
function tests(...args: string[]): Outcome {
  const conditions = args.includes("--built") ? [] : ["--conditions=coatcheck-source"];
  const script = join(root, "scripts", "test.ts");
  const done = spawnSync(process.execPath, [...conditions, script, ...args], { cwd: root, stdio: "inherit" });
  return { ok: done.status === 0, output: "" };
}

async function builds(): Promise<Outcome> {
  try {
    await build();
    return { ok: true, output: "" };
  } catch (error) {
    return { ok: false, output: error instanceof Error ? error.message : String(error) };
  }
}

/** Packs the archive that npm would publish, and checks exactly that file with two tools. */
async function packageChecks(): Promise<Outcome> {
  const { archive, close } = await packPackage();
  try {
    const published = program("publint", "run", archive, "--strict");
    return published.ok ? program("attw", archive, "--profile", "esm-only", "--no-emoji") : published;
  } finally {
    close();
  }
}

const steps: Record<string, () => Outcome | Promise<Outcome>> = {
  format: () => program("oxfmt", values.fix ? "--write" : "--check"),
  lint: () => program("oxlint", ...(values.fix ? ["--fix"] : [])),
  types: () => program("tsc", "--project", "tsconfig.json"),
  "dead-code": () => program("knip", "--tsConfig", "tsconfig.build.json", "--treat-config-hints-as-errors"),
  build: builds,
  package: packageChecks,
  "types of the built package": () => program("tsc", "--project", "tsconfig.built.json"),
  "contracts on the built package": () =>
    tests("--built", values.ci ? "test/contracts/" : "contracts/stores"),
  // Only quick tests, for a person who waits. `npm test` runs all.
  tests: () => tests("--no-browser", "test/unit/", "test/sessions/", "test/attacks/", "test/house/"),
};

const every = Object.keys(steps);
// By then, .ci/run has run all tests.
const names = positionals.length > 0 ? positionals : every.filter((name) => !(values.ci && name === "tests"));

for (const name of names) {
  const step = steps[name];
  if (step === undefined) {
    console.error(`There is no step "${name}". The steps: ${every.join(", ")}.`);
    process.exit(2);
  }
  const started = performance.now();
  const { ok, output } = await step();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${ok ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (!ok) {
    console.error(output.trimEnd());
    process.exit(1);
  }
}

// Everything that must hold besides behaviour, one step after the other, up to the first that fails.
//
//   npm run check              all of it, then the quick tests; .ci/run has `--ci`, for all contracts
//   npm run check -- lint      only the named steps
//   npm run format             `format --fix`

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { packFaults } from "./pack.ts";

const root = dirname(import.meta.dirname);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { fix: { type: "boolean" }, ci: { type: "boolean" } },
});

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs a program of the dev dependencies (they are on the PATH) and keeps what it printed. */
function program(command: string, ...args: string[]): Outcome {
  const windows = process.platform === "win32";
  const done = spawnSync(command, args, { cwd: root, encoding: "utf8", shell: windows, maxBuffer: 2 ** 26 });
  if (done.error) return { ok: false, output: `${command}: ${done.error.message}` };
  return { ok: done.status === 0, output: `${done.stdout}${done.stderr}` };
}

/** Runs tests in the open, so that whoever waits sees them pass. */
function tests(...args: string[]): Outcome {
  const conditions = args.includes("--built") ? [] : ["--conditions=coatcheck-source"];
  const script = join(root, "scripts", "test.ts");
  const done = spawnSync(process.execPath, [...conditions, script, ...args], { cwd: root, stdio: "inherit" });
  return { ok: done.status === 0, output: "" };
}

function build(): Outcome {
  rmSync(join(root, "dist"), { recursive: true, force: true });
  return program("tsc", "--project", "tsconfig.build.json");
}

/** Packs what npm would publish, and has three judges look at exactly that file. */
function packageChecks(): Outcome {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-pack-"));
  try {
    const packed = program(
      "npm",
      "pack",
      "--ignore-scripts",
      "--json",
      "--loglevel=error",
      "--pack-destination",
      folder,
    );
    if (!packed.ok) return packed;
    const tarball = readdirSync(folder)[0];
    if (tarball === undefined) return { ok: false, output: "npm pack left no file behind." };
    const faults = packFaults(packed.output, globSources());
    if (faults.length > 0) return { ok: false, output: faults.join("\n") };
    const file = join(folder, tarball);
    const published = program("publint", "run", file, "--strict");
    return published.ok ? program("attw", file, "--profile", "esm-only", "--no-emoji") : published;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function globSources(): string[] {
  const entries = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll("\\", "/"),
    );
}

const steps: Record<string, () => Outcome> = {
  format: () => program("oxfmt", values.fix ? "--write" : "--check"),
  lint: () => program("oxlint", ...(values.fix ? ["--fix"] : [])),
  types: () => program("tsc", "--project", "tsconfig.json"),
  "dead-code": () => program("knip", "--tsConfig", "tsconfig.build.json", "--treat-config-hints-as-errors"),
  build,
  package: packageChecks,
  "contracts on the built package": () =>
    tests("--built", values.ci ? "test/contracts/" : "contracts/stores"),
  // Quick ones, for a person who waits; `npm test` runs all.
  tests: () => tests("--no-browser", "test/core/", "test/attacks/", "test/house/"),
};

const every = Object.keys(steps);
// .ci/run has run all tests by then.
const names = positionals.length > 0 ? positionals : every.filter((name) => !(values.ci && name === "tests"));

for (const name of names) {
  const step = steps[name];
  if (step === undefined) {
    console.error(`There is no step "${name}". The steps: ${every.join(", ")}.`);
    process.exit(2);
  }
  const started = performance.now();
  const { ok, output } = step();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${ok ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (!ok) {
    console.error(output.trimEnd());
    process.exit(1);
  }
}

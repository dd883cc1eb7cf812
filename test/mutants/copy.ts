import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Mutant } from "./mutants.ts";
import { Sources } from "./sources.ts";

export const root: string = join(import.meta.dirname, "../..");

/** How a mutant's test ended, and what it printed. */
export interface Outcome {
  readonly failed: boolean;
  readonly output: string;
}

/** A copy of what tests need, in which mistakes can be made. */
export class Copy {
  readonly #folder = mkdtempSync(join(tmpdir(), "coatcheck-mutants-"));
  readonly #sources = Sources.in(root);

  constructor() {
    // What is installed apart, such as the runtimes, is large and not needed.
    const filter = (path: string): boolean => basename(path) !== "node_modules";
    for (const part of ["src", "test", "examples", "package.json"])
      cpSync(join(root, part), join(this.#folder, part), { recursive: true, filter });
    symlinkSync(join(root, "node_modules"), join(this.#folder, "node_modules"), "junction");
  }

  /** Makes a mistake for as long as `work` takes. */
  async with<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    const places = this.#sources.places(mutant.find);
    const [place] = places;
    assert.ok(place && places.length === 1, `the text stands ${places.length} times in src`);
    const file = join(this.#folder, place.file);
    const code = readFileSync(file, "utf8");
    writeFileSync(file, code.slice(0, place.start) + mutant.replace + code.slice(place.end));
    try {
      return await work();
    } finally {
      writeFileSync(file, code);
    }
  }

  /** Runs a mutant's test, with nothing of this process's own run in its environment. */
  async run({ test, pattern }: Mutant): Promise<Outcome> {
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
    const args = ["--conditions=coatcheck-source", "--test", "--test-isolation=none", "--test-reporter=tap"];
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [...args, `--test-name-pattern=${pattern}`, test],
        // A mistake can make a test wait for ever, or loop without hearing SIGTERM.
        { cwd: this.#folder, env, timeout: 30_000, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 },
        (error, output) => resolve({ failed: error !== null, output }),
      );
    });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

import { execFile } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { examplesOf } from "./blocks.ts";
import type { Example } from "./blocks.ts";

/** The repository. */
export const root: string = dirname(dirname(import.meta.dirname));

/** All pages of the documentation, by path from the root, with their text. */
export function pages(): ReadonlyMap<string, string> {
  const paths = globSync(["*.md", "docs/**/*.md"], { cwd: root }).toSorted();
  return new Map(
    paths.map((path) => [path.replaceAll("\\", "/"), readFileSync(join(root, path), "utf8")] as const),
  );
}

/** A place where examples are files, so that they can be compiled and run. */
export interface Workshop {
  readonly examples: readonly Example[];
  /** What the compiler has to say; empty when it is content. Lines are those of the pages. */
  compile(): Promise<string>;
  /** What a run of the example printed before it failed; `undefined` when it did not. */
  run(example: Example): Promise<string | undefined>;
  close(): void;
}

/** What examples find in place, as they import it from their folder. */
const given = `../../${basename(import.meta.resolve("./given.ts"))}`;

/** Longer than any example takes. */
const patience = 30_000;

/** Sets up a workshop for pages. It lies in the repository, so that `coatcheck` means this package. */
export function openWorkshop(from: ReadonlyMap<string, string>): Workshop {
  mkdirSync(join(import.meta.dirname, ".blocks"), { recursive: true });
  const folder = mkdtempSync(join(import.meta.dirname, ".blocks", "run-"));
  const files = new Map<Example, string>();
  for (const [page, text] of from) {
    for (const example of examplesOf(page, text, given)) {
      const file = join(folder, `${example.where.replaceAll(/[^\w.-]+/g, "_")}.ts`);
      writeFileSync(file, example.code);
      files.set(example, file);
    }
  }
  const config = {
    extends: "../../../../tsconfig.json",
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
    include: [],
    files: Array.from(files.values(), (file) => relative(folder, file)),
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));

  return {
    examples: [...files.keys()],
    async compile() {
      const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
      return (await output([compiler, "--project", folder, "--pretty", "false"], folder)) ?? "";
    },
    async run(example) {
      // The process ends when the example has: a server that it started does not keep it.
      const script = `await import(${JSON.stringify(`file://${files.get(example)}`)}); process.exit();`;
      const home = mkdtempSync(join(folder, "home-"));
      return output(["--conditions=coatcheck-source", "--input-type=module", "--eval", script], home);
    },
    close() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What Node printed; `undefined` when it ended well. */
function output(args: readonly string[], cwd: string): Promise<string | undefined> {
  const env = {
    ...process.env,
    PORT: "0",
    // Made for these tests, and known to everybody.
    SESSION_SECRET: "9f2JmQxW0cTq7LrYv5hNbKd8sGzE3uXpRa1oViMw4Ic",
    OLD_SESSION_SECRET: "Zk4WtB7nQe0XyHs2Lm9VpJd6RcGf1UaTo8iNwEx3Kv5",
  };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, env, timeout: patience }, (error, stdout, stderr) => {
      resolve(error === null ? undefined : `${stdout}${stderr}` || error.message);
    });
  });
}

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

const main = join(import.meta.dirname, "..", "..", "app", "main.ts");

/** The reference application, started as `npm start` does. */
export interface Program {
  readonly child: ChildProcess;
  /** Everything it printed so far, on both of its outputs. */
  readonly printed: () => string;
  /** Its address; `undefined` when it ended instead. */
  readonly address: string | undefined;
  /** Waits until what it printed so far holds a match. Fails when it ends without. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
}

/** A folder for the data of programs; gone when the test ends. */
export function dataFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-start-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts the program, and waits until it answers or has ended; it is gone when the test ends. */
export async function start(t: TestContext, env: Record<string, string>): Promise<Program> {
  const { SESSION_SECRET: _, STORE: _store, WORKERS: _workers, ...rest } = process.env;
  const child = spawn(
    process.execPath,
    [...process.execArgv.filter((arg) => arg.startsWith("--conditions")), main],
    { env: { ...rest, PORT: "0", ...env } },
  );
  t.after(() => child.kill("SIGKILL"));
  let text = "";
  const waiting = new Set<() => void>();
  const hear = (piece: Buffer): void => {
    text += piece.toString();
    for (const look of waiting) look();
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  let isOver = false;
  child.once("close", () => {
    isOver = true;
    for (const look of waiting) look();
  });
  const prints = async (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(text);
        if (found === null && !isOver) return;
        waiting.delete(look);
        if (found === null) reject(new Error(`It ended without printing ${pattern}:\n${text}`));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  const greeting = await prints(/(http:\/\/\S+)[^]*Log in as/).catch(() => undefined);
  return { child, printed: () => text, address: greeting?.[1], prints };
}

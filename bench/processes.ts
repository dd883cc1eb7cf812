import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { join } from "node:path";
import type { Contender } from "./contenders.ts";
import type { Order, Report } from "./load.ts";
import type { Profile } from "./profile.ts";
import type { Question, Told } from "./server.ts";

/** Sites run on the first core and visitors on the second, if the machine supports pinning. */
const canPin = process.platform === "linux" && spawnSync("taskset", ["--version"]).status === 0;

/** Whether each side has its own core, which the report mentions. */
export const isPinned: boolean = canPin;

/** Starts Node on one core. */
function start(core: number, args: readonly string[], options: SpawnOptions): ChildProcess {
  return canPin
    ? spawn("taskset", ["-c", String(core), process.execPath, ...args], options)
    : spawn(process.execPath, args, options);
}

/** A program of this folder in its own process, which replies to messages. */
class Program<Asked extends object | string, Said extends { readonly kind: string }> {
  readonly #child: ChildProcess;
  #ended: Error | undefined;
  #errors = "";
  #waiting: { resolve: (said: Said) => void; reject: (error: Error) => void } | undefined;
  readonly #early: Said[] = [];

  constructor(
    core: number,
    file: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    flags: readonly string[],
  ) {
    this.#child = start(core, [...flags, join(import.meta.dirname, file), ...args], {
      env: { ...process.env, ...env, NODE_ENV: "production" },
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
    this.#child.on("message", (said: Said) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) this.#early.push(said);
      else waiting.resolve(said);
    });
    this.#child.on("exit", () => {
      this.#ended = new Error(lastLines(this.#errors) || `${file} ended.`);
      this.#waiting?.reject(this.#ended);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its next message. */
  async hear(): Promise<Said> {
    const early = this.#early.shift();
    if (early !== undefined) return early;
    if (this.#ended !== undefined) throw this.#ended;
    return new Promise<Said>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  async ask(question: Asked): Promise<Said> {
    if (this.#ended !== undefined) throw this.#ended;
    this.#child.send(question);
    return this.hear();
  }

  async end(): Promise<void> {
    if (this.#ended !== undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.#child.once("exit", () => resolve());
    });
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** The error that a failed program printed, without its stack. */
function lastLines(text: string): string {
  const found = text.split("\n").find((line) => /Error\b.*:/.test(line));
  return found ?? text.trim().slice(-500);
}

/** The environment variables of the sites, by the names of {@link setting}. */
export type Settings = Readonly<Record<string, string>>;

/** A contender's app. */
export class SiteProcess {
  readonly contender: Contender;
  readonly port: number;
  /** From the start of its process to the first request that it could take, in milliseconds. */
  readonly startUp: number;
  readonly #program: Program<Question, Told>;

  private constructor(contender: Contender, port: number, startUp: number, program: Program<Question, Told>) {
    this.contender = contender;
    this.port = port;
    this.startUp = startUp;
    this.#program = program;
  }

  /** @throws Error if it can't start, with the line that says why. */
  static async start(contender: Contender, settings: Settings): Promise<SiteProcess> {
    const started = performance.now();
    // V8 would otherwise discard unused bytecode meanwhile, which distorts the memory of the sessions by 6 MB.
    const flags = ["--expose-gc", "--no-flush-bytecode", "--disable-warning=ExperimentalWarning"];
    const program = new Program<Question, Told>(0, "server.ts", [contender.id], settings, flags);
    const told = await program.hear();
    if (told.kind !== "listening") throw new Error("The site did not report its port.");
    return new SiteProcess(contender, told.port, performance.now() - started, program);
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** The processor time used so far, in microseconds. */
  async cpu(): Promise<number> {
    const told = await this.#program.ask("cpu");
    if (told.kind !== "cpu") throw new Error("The site did not report its processor time.");
    return told.microseconds;
  }

  /** Its memory after a garbage collection, in bytes. */
  async memory(): Promise<{ readonly heap: number; readonly resident: number }> {
    const told = await this.#program.ask("memory");
    if (told.kind !== "memory") throw new Error("The site did not report its memory.");
    return told;
  }

  /** A profile of the time while `work` runs. */
  async profile(work: () => Promise<unknown>): Promise<Profile> {
    await this.#program.ask("profile");
    await work();
    const told = await this.#program.ask("profile");
    if (told.kind !== "profile" || told.profile === undefined) throw new Error("The site has no profile.");
    return told.profile;
  }

  async end(): Promise<void> {
    await this.#program.end();
  }
}

/** The visitors of all sites. */
export class Visitors {
  readonly #program = new Program<Order, Report>(1, "load.ts", [], {}, []);

  async #order<Kind extends Report["kind"]>(
    order: Order,
    kind: Kind,
  ): Promise<Extract<Report, { kind: Kind }>> {
    const report = await this.#program.ask(order);
    if (report.kind === "failed") throw new Error(report.message);
    if (report.kind !== kind) throw new Error(`The visitors reported ${report.kind} instead of ${kind}.`);
    return report as Extract<Report, { kind: Kind }>;
  }

  /** Logs `count` visitors in. @returns the cookies of `keep` of them. */
  async seed(port: number, count: number, keep: number): Promise<readonly string[]> {
    return (await this.#order({ kind: "seed", port, count, keep }, "seeded")).cookies;
  }

  async connect(order: Omit<Extract<Order, { kind: "connect" }>, "kind">): Promise<void> {
    await this.#order({ kind: "connect", ...order }, "connected");
  }

  async go(
    milliseconds: number,
    most: number,
  ): Promise<{ readonly count: number; readonly milliseconds: number }> {
    return this.#order({ kind: "go", milliseconds, most }, "done");
  }

  async ask(times: number): Promise<{ readonly setCookies: number; readonly setCookieBytes: number }> {
    return this.#order({ kind: "ask", times }, "asked");
  }

  async end(): Promise<void> {
    await this.#program.end();
  }
}

/** Runs a program of this folder to its end, on the first core. @returns the JSON that it printed. */
export async function resultOf(
  file: string,
  args: readonly string[],
  flags: readonly string[],
  env: Settings,
): Promise<unknown> {
  const program = [
    "--disable-warning=ExperimentalWarning",
    ...flags,
    join(import.meta.dirname, file),
    ...args,
  ];
  const child = start(0, program, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const code = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`${file} failed.`);
  return JSON.parse(printed) as unknown;
}

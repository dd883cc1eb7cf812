import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, globSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Client } from "pg";
import { freePort } from "../support/free-port.ts";

/** Where the programs of the newest PostgreSQL here are; `undefined` when there is none. */
const programs = ((): string | undefined => {
  const found = globSync("/usr/{lib/postgresql/*,pgsql-*,local/pgsql,local,}/bin/initdb");
  const folders = (process.env["PATH"] ?? "").split(":").map((folder) => join(folder, "initdb"));
  const initdb = [...found.toSorted().toReversed(), ...folders].find((path) => existsSync(path));
  // A link may stand where not all of them are.
  return initdb && dirname(realpathSync(initdb));
})();

/** PostgreSQL refuses to run as root; there the user `postgres` runs it. */
const owner = ((): { uid: number; gid: number } | string | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { stdio: "pipe" }));
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return "this is root, and there is no user postgres to run PostgreSQL";
  }
})();

/** Why a cluster can't be started here; `false` when it can. In CI it always can, or the tests fail. */
export const withoutCluster: string | false = ((): string | false => {
  const reason =
    programs === undefined
      ? "PostgreSQL's programs (initdb, pg_ctl) are not here; install PostgreSQL"
      : owner;
  if (typeof reason !== "string") return false;
  if (process.env["CI"]) throw new Error(reason);
  return reason;
})();

/** Why there is no small disk to fill; `false` when there is. Only root may make one. */
export const withoutSmallDisk: string | false =
  withoutCluster ||
  (typeof owner === "object" && existsSync("/bin/mount") ? false : "only root can mount a small disk");

/** A disk of 8 MB, gone when the test ends. */
export function smallDisk(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]);
  t.after(() => {
    execFileSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true });
  });
  if (typeof owner === "object") chownSync(folder, owner.uid, owner.gid);
  return folder;
}

/** A PostgreSQL of the test's own, to be stopped, killed and starved. */
export class Cluster {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, string | number>>;

  private constructor(folder: string, port: number, settings: Readonly<Record<string, string | number>>) {
    this.#folder = folder;
    this.port = port;
    this.#settings = settings;
  }

  static async start(settings: Readonly<Record<string, string | number>> = {}): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), "coatcheck-pg-"));
    if (typeof owner === "object") chownSync(folder, owner.uid, owner.gid);
    const cluster = new Cluster(folder, await freePort(), settings);
    const options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"];
    await cluster.#program("initdb", "-D", cluster.#data, ...options);
    await cluster.resume();
    return cluster;
  }

  /** A standby that follows this one, through `port` where that is not its own. */
  async standby(port: number = this.port): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), "coatcheck-pg-"));
    if (typeof owner === "object") chownSync(folder, owner.uid, owner.gid);
    const standby = new Cluster(folder, await freePort(), this.#settings);
    const from = ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres"];
    await standby.#program("pg_basebackup", "-D", standby.#data, ...from, "-R", "-X", "stream", "-c", "fast");
    await standby.resume();
    return standby;
  }

  /** Makes a primary of a standby. */
  async promote(): Promise<void> {
    await this.#program("pg_ctl", "-D", this.#data, "-w", "-t", "30", "promote");
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  /** The process that all others of the cluster come from. */
  get pid(): number {
    return Number(readFileSync(join(this.#data, "postmaster.pid"), "utf8").split("\n")[0]);
  }

  /** Starts it again, on the same port. */
  async resume(): Promise<void> {
    const settings = {
      port: this.port,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
    };
    const options = Object.entries({ ...settings, ...this.#settings }).map(
      ([name, value]) => `-c ${name}=${value}`,
    );
    const log = join(this.#folder, "log");
    await this.#program(
      "pg_ctl",
      "-D",
      this.#data,
      "-w",
      "-t",
      "30",
      "-l",
      log,
      "-o",
      options.join(" "),
      "start",
    );
  }

  /** `fast` ends sessions, `immediate` is a crash. */
  async stop(mode: "fast" | "immediate"): Promise<void> {
    await this.#program("pg_ctl", "-D", this.#data, "-w", "-m", mode, "stop");
  }

  /** For all its processes. */
  signal(signal: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    const children = execFileSync("pgrep", ["-P", String(this.pid)], { encoding: "utf8" })
      .trim()
      .split("\n");
    for (const pid of [this.pid, ...children.map(Number)]) {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended meanwhile.
      }
    }
  }

  /** SIGKILL for all its processes. */
  kill(): void {
    this.signal("SIGKILL");
    // It would forbid another start for as long as nobody has collected the process that it names.
    rmSync(join(this.#data, "postmaster.pid"));
  }

  /** Runs a statement on a connection of its own. */
  async ask(text: string): Promise<Record<string, unknown>[]> {
    const client = await this.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** A connection of its own; nothing is done when it breaks. */
  async connect(): Promise<Client> {
    const client = new Client({ connectionString: this.url, connectionTimeoutMillis: 5000 });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  async remove(): Promise<void> {
    try {
      await this.stop("immediate");
    } catch {
      // It was stopped already.
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  async #program(name: string, ...args: readonly string[]): Promise<void> {
    const as = typeof owner === "object" ? owner : {};
    const env = { PATH: process.env["PATH"], LC_ALL: "C" };
    // No pipes: the server would inherit them, and they would never end.
    const child = spawn(join(programs ?? "", name), args, { ...as, cwd: this.#folder, env, stdio: "ignore" });
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`${name} ended with ${String(code)}`);
  }
}

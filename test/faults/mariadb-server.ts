import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createConnection } from "mysql2/promise";
import type { Connection } from "mysql2/promise";
import { freePort } from "../support/free-port.ts";

const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];

function programAt(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

const server = programAt("mariadbd");
const installer = programAt("mariadb-install-db");

/** MariaDB refuses to run as root without being told; there the user `mysql` runs it. */
const asUser = process.getuid?.() === 0 ? ["--user=mysql"] : [];

/** Why a MariaDB can't be started here; `false` when it can. In CI it always can, or the tests fail. */
export const withoutMariadbServer: string | false = ((): string | false => {
  if (server !== undefined && installer !== undefined) return false;
  const reason = "MariaDB's programs (mariadbd, mariadb-install-db) are not here; install MariaDB";
  if (process.env["CI"]) throw new Error(reason);
  return reason;
})();

/** Why there is no small disk to fill; `false` when there is. Only root may make one. */
export const withoutSmallDisk: string | false =
  withoutMariadbServer ||
  (asUser.length > 0 && existsSync("/bin/mount") ? false : "only root can mount a small disk");

/** A disk of 8 MB that can grow, gone when the test ends. */
export function smallDisk(t: { after(fn: () => void): void }): { folder: string; grow: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]);
  t.after(() => {
    execFileSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true });
  });
  execFileSync("chown", ["mysql", folder]);
  return {
    folder,
    grow: () => execFileSync("mount", ["-o", "remount,size=32m", folder]),
  };
}

/** A MariaDB of the test's own, to be stopped, killed and starved. */
export class MariadbServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number, options: readonly string[]) {
    this.#folder = folder;
    this.port = port;
    this.#options = options;
  }

  /** @param options of `mariadbd`, such as `--max-connections=40`. */
  static async start(options: readonly string[] = []): Promise<MariadbServer> {
    const folder = mkdtempSync(join(tmpdir(), "coatcheck-mariadb-"));
    if (asUser.length > 0) execFileSync("chown", ["mysql", folder]);
    const made = new MariadbServer(folder, await freePort(), options);
    const auth = ["--auth-root-authentication-method=normal", "--skip-test-db"];
    const args = ["--no-defaults", `--datadir=${made.#data}`, ...auth, ...asUser];
    execFileSync(installer ?? "", args, { stdio: "ignore" });
    await made.resume();
    await made.ask("CREATE DATABASE app");
    // Unlike root, who may write to a server that is read-only, and connect when there is no place left.
    await made.ask("CREATE USER app@'127.0.0.1'");
    await made.ask("GRANT ALL ON app.* TO app@'127.0.0.1'");
    return made;
  }

  /** How an app reaches it. */
  get url(): string {
    return `mysql://app@127.0.0.1:${this.port}/app`;
  }

  /** Starts it again, on the same port, and waits until it takes connections. */
  async resume(): Promise<void> {
    const settings = [
      `--datadir=${this.#data}`,
      `--port=${this.port}`,
      `--socket=${join(this.#folder, "socket")}`,
      "--bind-address=127.0.0.1",
      "--skip-name-resolve",
      "--innodb-buffer-pool-size=32M",
      "--innodb-log-file-size=16M",
    ];
    const args = ["--no-defaults", ...settings, ...asUser, ...this.#options];
    this.#child = spawn(server ?? "", args, { stdio: "ignore", cwd: this.#folder });
    for (;;) {
      try {
        const connection = await this.connect();
        await connection.end();
        return;
      } catch (error) {
        if (this.#child.exitCode !== null) throw error;
        await wait(20);
      }
    }
  }

  signal(signal: "SIGSTOP" | "SIGCONT" | "SIGTERM" | "SIGKILL"): void {
    this.#child?.kill(signal);
  }

  /** Ends it, in an orderly way or as a crash does. */
  async stop(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** Runs a statement as root, on a connection of its own. */
  async ask(text: string): Promise<Record<string, unknown>[]> {
    const connection = await this.connect();
    try {
      const [rows] = await connection.query(text);
      return rows as Record<string, unknown>[];
    } finally {
      await connection.end();
    }
  }

  /** A connection of its own; nothing is done when it breaks. */
  async connect(user = "root", database?: string): Promise<Connection> {
    const address = { host: "127.0.0.1", port: this.port, connectTimeout: 5000 };
    const connection = await createConnection({ ...address, user, ...(database && { database }) });
    connection.on("error", () => {});
    return connection;
  }

  async remove(): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#folder, "data");
  }
}

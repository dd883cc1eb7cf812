// Runs a program of this repository: `node scripts/run.mjs <file> [arguments]`.
//
// Meant to be the very first command after `git clone`, on whatever Node the machine has (18 or
// newer), so: plain JavaScript, no packages. It installs what package-lock.json names when that is
// missing or out of date, and then runs <file> with the Node from the dev dependencies, from source.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const bin = join(modules, ".bin");
const stamp = join(modules, ".coatcheck-installed");
const lock = join(root, ".install-lock");
const windows = process.platform === "win32";

/** What node_modules must hold: the lock file, on this kind of machine (some packages are binaries). */
function wanted() {
  const hash = createHash("sha256").update(readFileSync(join(root, "package-lock.json")));
  return hash.update(`${process.platform} ${process.arch}`).digest("hex");
}

function installed() {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === wanted();
}

/** PATH without any node_modules/.bin: `npm ci` empties that folder, and must not run on a Node from it. */
function systemPath() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.filter((folder) => !folder.endsWith(join("node_modules", ".bin"))).join(delimiter);
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/** Whether this process now holds the lock. One whose process is gone is taken away first. */
function takeLock() {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  try {
    const holder = Number(readFileSync(lock, "utf8"));
    // An empty file is a lock in the making, unless it has been so for long.
    const abandoned = holder ? !alive(holder) : Date.now() - statSync(lock).mtimeMs > 5_000;
    if (abandoned) rmSync(lock, { force: true });
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  return false;
}

async function install() {
  while (!takeLock()) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (installed()) return;
  }
  try {
    if (installed()) return;
    console.log("Installing the packages that package-lock.json names; this is needed once.");
    const done = spawnSync("npm", ["ci", "--include=dev", "--loglevel=error"], {
      cwd: root,
      env: { ...process.env, PATH: systemPath() },
      encoding: "utf8",
      shell: windows,
      maxBuffer: 2 ** 26,
    });
    if (done.error || done.status !== 0) {
      console.error(done.error?.message ?? `${done.stdout}${done.stderr}`);
      console.error("npm ci failed, so nothing was run. The lines above are its own.");
      process.exitCode = 1;
      return;
    }
    writeFileSync(stamp, wanted());
  } finally {
    rmSync(lock, { force: true });
  }
}

/** The Node that runs everything: the pinned one, or this one where it is new enough. */
function node() {
  const pinned = join(modules, "node", "bin", windows ? "node.exe" : "node");
  // Without its install script (`ignore-scripts`, a platform it has no build for) it is absent or a stub.
  if (existsSync(pinned) && statSync(pinned).size > 1_000_000) return pinned;
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  console.error(
    `This needs Node 22.18 or newer and found ${process.versions.node}. The package "node" would have ` +
      "brought it, but its install script did not run: try `npm ci --ignore-scripts=false`.",
  );
  return undefined;
}

/** The environment of the program: without what npm adds for its own scripts. */
function environment() {
  const own = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const env = Object.fromEntries(own);
  // A test runner's mark, inherited, would make ours speak a protocol instead of words.
  delete env.NODE_TEST_CONTEXT;
  return { ...env, PATH: [bin, systemPath()].join(delimiter) };
}

/**
 * Passes signals on, once each, and ends as the program ends.
 *
 * A signal to the whole process group (Ctrl-C, a supervisor) reaches the program without us, and a
 * second one may mean "at once" to it. So one that came here waits: where the shell above us went down
 * with it, or a terminal sent it, the program has had its own. A shell lives through SIGINT, which
 * therefore waits long enough for a program that is ending already.
 *
 * @param {string} command
 * @param {string} file
 * @param {string[]} args
 */
function run(command, file, args) {
  const child = spawn(command, ["--conditions=coatcheck-source", join(root, file), ...args], {
    stdio: "inherit",
    env: environment(),
  });
  const shell = process.ppid;
  let asked = false;
  /** @param {NodeJS.Signals} signal */
  const passOn = (signal) => {
    asked = true;
    const interrupt = signal === "SIGINT";
    const late = () => (interrupt && process.stdin.isTTY) || process.ppid !== shell || child.kill(signal);
    setTimeout(late, interrupt ? 3_000 : 300).unref();
  };
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, passOn);
  // A signal to npm alone ends the shell between us and never comes here, so look after the shell.
  if (process.env.npm_lifecycle_event !== undefined) {
    const watch = () => {
      if (process.ppid === shell || asked) return;
      asked = true;
      child.kill("SIGTERM");
    };
    setInterval(watch, 200).unref();
  }
  child.on("error", (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // Ended by a signal: end the same way, so that whoever waits for us is told the truth.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node scripts/run.mjs <file> [arguments]");
  process.exit(2);
}
if (!installed()) await install();
const command = process.exitCode ? undefined : node();
if (command) run(command, file, args);
else process.exitCode = 1;

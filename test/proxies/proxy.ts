// Real proxies as children, with the configurations of docs/behind-a-proxy.md.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../support/free-port.ts";

/** The name under which visitors know the site. */
export const host = "example.com";

const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];

function programAt(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Why a proxy can't be started here; `false` if it can. In CI it always can, or the tests fail. */
export function withoutProxy(name: "nginx" | "caddy"): string | false {
  const missing = [name, "openssl"].find((program) => programAt(program) === undefined);
  if (missing === undefined) return false;
  const reason = `${missing} is not installed here`;
  if (process.env["CI"]) throw new Error(reason);
  return reason;
}

const guide = readFileSync(join(import.meta.dirname, "../../docs/behind-a-proxy.md"), "utf8");

/** The only block of the guide in a language. */
function blockOf(language: string): string {
  const found = Array.from(guide.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm")));
  if (found.length !== 1) throw new Error(`the guide has ${found.length} blocks in ${language}`);
  return found[0]?.[1] ?? "";
}

/** Replaces text that must be there, once. */
function replaced(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((before, [from, to]) => {
    if (before.split(from).length !== 2) throw new Error(`"${from}" is not there once`);
    return before.replace(from, () => to);
  }, text);
}

/** A running proxy. */
export interface Proxy {
  readonly port: number;
  /** The certificate that it shows. */
  readonly ca: string;
}

/** Starts nginx with the guide's configuration, changed where a test says so. */
export async function startNginx(
  t: TestContext,
  upstream: number,
  changes: Readonly<Record<string, string>> = {},
  outside = "",
): Promise<Proxy> {
  const home = temporaryFolder(t);
  const port = await freePort();
  const { cert, key, ca } = certificate(home);
  const site = replaced(replaced(blockOf("nginx"), changes), {
    "listen 443 ssl;": `listen 127.0.0.1:${port} ssl;`,
    "/etc/ssl/example.com.pem": cert,
    "/etc/ssl/example.com.key": key,
    "http://127.0.0.1:3000": `http://127.0.0.1:${upstream}`,
  });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${home}/${kind};`,
  );
  const file = join(home, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${home}/pid; error_log stderr;
events {}
http { access_log off; ${temporary.join(" ")} ${outside.replaceAll("$HOME", home)}
${site} }`,
  );
  mkdirSync(join(home, "cache"));
  await start(t, "nginx", ["-p", home, "-e", "stderr", "-c", file], port);
  return { port, ca };
}

/** Starts Caddy with the guide's configuration, which would otherwise get a certificate from the internet. */
export async function startCaddy(t: TestContext, upstream: number): Promise<Proxy> {
  const home = temporaryFolder(t);
  const port = await freePort();
  const { cert, key, ca } = certificate(home);
  const site = replaced(blockOf("caddy"), {
    [`${host} {\n`]: `https://${host}:${port} {\n  bind 127.0.0.1\n  tls ${cert} ${key}\n`,
    "127.0.0.1:3000": `127.0.0.1:${upstream}`,
  });
  const file = join(home, "Caddyfile");
  writeFileSync(file, `{\n  admin off\n  auto_https disable_redirects\n}\n${site}`);
  await start(t, "caddy", ["run", "--config", file, "--adapter", "caddyfile"], port, {
    HOME: home,
    XDG_DATA_HOME: home,
    XDG_CONFIG_HOME: home,
  });
  return { port, ca };
}

function temporaryFolder(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), "coatcheck-proxy-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

function certificate(home: string): { cert: string; key: string; ca: string } {
  const [cert, key] = [join(home, "cert.pem"), join(home, "key.pem")];
  const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-nodes", "-days", "2", ...curve, "-keyout", key, "-out", cert, ...subject],
    { stdio: "ignore" },
  );
  return { cert, key, ca: readFileSync(cert, "utf8") };
}

async function start(
  t: TestContext,
  name: string,
  args: readonly string[],
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(programAt(name) ?? name, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  for (const end = Date.now() + 15_000; ;) {
    if (await accepts(port)) return;
    if (child.exitCode !== null || Date.now() > end) throw new Error(`${name} does not start: ${said}`);
    await wait(20);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly cookies: readonly string[];
  readonly headers: IncomingMessage["headers"];
}

/** What a browser sends beside the path. */
export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Begins a request over https, as a browser that found the site's name at this machine. */
export async function open(proxy: Proxy, path: string, asked: Asked = {}): Promise<IncomingMessage> {
  const sent = request({
    host: "127.0.0.1",
    port: proxy.port,
    ca: proxy.ca,
    servername: host,
    path,
    method: asked.method ?? "GET",
    headers: { host, ...asked.headers },
    agent: false,
  });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

export async function ask(proxy: Proxy, path: string, asked: Asked = {}): Promise<Answer> {
  const response = await open(proxy, path, asked);
  const body = (await response.setEncoding("utf8").toArray()).join("");
  const cookies = response.headers["set-cookie"] ?? [];
  return { status: response.statusCode ?? 0, body, cookies, headers: response.headers };
}

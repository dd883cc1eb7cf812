// The visitors: a separate process that sends requests to one site after the other over kept-alive connections.
// It is as cheap as possible, so that the site is the bottleneck.

import { createConnection } from "node:net";
import type { Socket } from "node:net";
import { answers } from "./site.ts";
import type { RequestName } from "./site.ts";

/** A message from the benchmark to this process. */
export type Order =
  | { readonly kind: "seed"; readonly port: number; readonly count: number; readonly keep: number }
  | {
      readonly kind: "connect";
      readonly port: number;
      readonly request: RequestName;
      /** The visitors' `Cookie` headers. Logins have none. */
      readonly cookies: readonly string[];
      readonly connections: number;
    }
  /** Sends requests over all connections for so many milliseconds, but at most so many. */
  | { readonly kind: "go"; readonly milliseconds: number; readonly most: number }
  | { readonly kind: "ask"; readonly times: number };

/** The reply to each message. */
export type Report =
  | { readonly kind: "seeded"; readonly cookies: readonly string[] }
  | { readonly kind: "connected" }
  | { readonly kind: "done"; readonly count: number; readonly milliseconds: number }
  /** Sums over all responses. */
  | { readonly kind: "asked"; readonly setCookies: number; readonly setCookieBytes: number }
  | { readonly kind: "failed"; readonly message: string };

/** The headers that browsers send. */
const headers =
  "host: 127.0.0.1\r\nconnection: keep-alive\r\n" +
  "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
  "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
  "accept-language: en-GB,en;q=0.9\r\naccept-encoding: gzip, deflate, br\r\n" +
  "sec-fetch-site: same-origin\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n";

function textOf(request: RequestName, cookie: string | undefined): string {
  const post = request === "write" || request === "login";
  return (
    `${post ? "POST" : "GET"} /${request} HTTP/1.1\r\n${headers}` +
    `${cookie === undefined ? "" : `cookie: ${cookie}\r\n`}${post ? "content-length: 0\r\n" : ""}\r\n`
  );
}

interface Answer {
  readonly head: string;
  readonly body: string;
}

/** The response at the beginning of a text, if it is complete. */
function answerIn(text: string): Answer | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const body = text.slice(headEnd + 4);
  const length = /\r\ncontent-length: (\d+)/i.exec(head);
  if (length !== null) return body.length >= Number(length[1]) ? { head, body } : undefined;
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) throw new Error(`A response has no length:\n${head}`);
  return body.endsWith("0\r\n\r\n")
    ? { head, body: body.replaceAll(/[\da-f]+\r\n(.*?)\r\n/g, "$1").trimEnd() }
    : undefined;
}

/** One kept-alive connection. */
class Connection {
  readonly #socket: Socket;
  #text = "";
  #heard: ((answer: Answer) => void) | undefined;

  private constructor(socket: Socket, failed: (error: Error) => void) {
    this.#socket = socket;
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      this.#text = this.#text === "" ? chunk : this.#text + chunk;
      const answer = answerIn(this.#text);
      if (answer === undefined) return;
      this.#text = "";
      this.#heard?.(answer);
    });
    socket.on("error", failed);
    socket.on("end", () => failed(new Error("The site closed a connection.")));
  }

  static async open(port: number, failed: (error: Error) => void): Promise<Connection> {
    const socket = createConnection({ port, host: "127.0.0.1" });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve).once("error", reject);
    });
    return new Connection(socket, failed);
  }

  send(text: string, heard: (answer: Answer) => void): void {
    this.#heard = heard;
    this.#socket.write(text, "latin1");
  }

  async ask(text: string): Promise<Answer> {
    return new Promise((resolve) => {
      this.send(text, resolve);
    });
  }

  close(): void {
    this.#socket.removeAllListeners("end").destroy();
  }
}

function checked(request: RequestName, { head, body }: Answer): void {
  if (head.startsWith("HTTP/1.1 200") && answers[request].test(body)) return;
  throw new Error(`Wrong response to ${request}:\n${head}\n\n${body.slice(0, 500)}`);
}

function setCookiesOf({ head }: Answer): string[] {
  return head.split("\r\n").filter((line) => /^set-cookie:/i.test(line));
}

/** The cookies that a browser would send back: of two with the same name, the later one. */
function cookieHeader(answer: Answer): string {
  const cookies = new Map<string, string>();
  for (const line of setCookiesOf(answer)) {
    const [, name = "", value = ""] = /^set-cookie: *([^=;]*)=([^;]*)/i.exec(line) ?? [];
    if (value === "") cookies.delete(name);
    else cookies.set(name, value.trim());
  }
  return Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
}

let request: RequestName = "untouched";
let texts: readonly string[] = [];
let connections: readonly Connection[] = [];

function fail(error: unknown): void {
  tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
}

function tell(report: Report): void {
  process.send?.(report);
}

function close(): void {
  for (const connection of connections) connection.close();
  connections = [];
}

async function open(port: number, count: number): Promise<void> {
  close();
  connections = await Promise.all(Array.from({ length: count }, async () => Connection.open(port, fail)));
}

/** Sends requests on every connection, the next one after each response, until none is left. */
async function everyone(
  next: (connection: number, turn: number) => string | undefined,
  hear: (answer: Answer) => void,
): Promise<void> {
  await Promise.all(
    connections.map(
      async (connection, at) =>
        new Promise<void>((resolve, reject) => {
          let turn = 0;
          const ask = (): void => {
            const text = next(at, turn++);
            if (text === undefined) resolve();
            else connection.send(text, heard);
          };
          const heard = (answer: Answer): void => {
            try {
              checked(request, answer);
              hear(answer);
              ask();
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          };
          ask();
        }),
    ),
  );
}

function textFor(at: number, turn: number): string {
  return texts[(at + turn * connections.length) % texts.length] ?? "";
}

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case "seed": {
      // All log in. The cookies of an evenly spread sample are kept.
      await open(order.port, 32);
      request = "login";
      const cookies: string[] = [];
      const login = textOf("login", undefined);
      const every = Math.max(1, Math.floor(order.count / order.keep));
      let asked = 0;
      let heard = 0;
      await everyone(
        () => (asked++ < order.count ? login : undefined),
        (answer) => {
          if (heard++ % every === 0) cookies.push(cookieHeader(answer));
        },
      );
      close();
      tell({ kind: "seeded", cookies });
      break;
    }
    case "connect":
      ({ request } = order);
      texts =
        request === "login"
          ? [textOf(request, undefined)]
          : order.cookies.map((cookie) => textOf(request, cookie));
      await open(order.port, order.connections);
      // So that the site has accepted all connections.
      await everyone(
        (at, turn) => (turn === 0 ? textFor(at, turn) : undefined),
        () => {},
      );
      tell({ kind: "connected" });
      break;
    case "go": {
      const started = performance.now();
      const end = started + order.milliseconds;
      let asked = 0;
      let count = 0;
      // This process never sleeps: waking it up would take the site's time, and more of it the slower the site is.
      let isOver = false;
      const stayAwake = (): void => {
        if (!isOver) setImmediate(stayAwake);
      };
      stayAwake();
      await everyone(
        (at, turn) => (performance.now() < end && asked++ < order.most ? textFor(at, turn) : undefined),
        () => {
          count++;
        },
      );
      isOver = true;
      tell({ kind: "done", count, milliseconds: performance.now() - started });
      close();
      break;
    }
    case "ask": {
      const [connection] = connections;
      if (connection === undefined) throw new Error("There are no connections.");
      let [setCookies, setCookieBytes] = [0, 0];
      for (let turn = 0; turn < order.times; turn++) {
        const answer = await connection.ask(textFor(0, turn));
        checked(request, answer);
        const lines = setCookiesOf(answer);
        setCookies += lines.length;
        setCookieBytes += lines.reduce((sum, line) => sum + line.length + 2, 0);
      }
      tell({ kind: "asked", setCookies, setCookieBytes });
      close();
      break;
    }
  }
}

process.on("disconnect", () => process.exit());
process.on("message", (order: Order) => {
  obey(order).catch(fail);
});

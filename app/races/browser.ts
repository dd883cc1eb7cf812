import { createServer, request } from "node:http";
import type { RequestListener } from "node:http";
import { text } from "node:stream/consumers";
import { duplexPair } from "node:stream";

/** A response, read to its end. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly setCookie: readonly string[];
}

/** A browser that knows one site, and speaks HTTP with it inside this process: no port is open. */
export class Browser {
  readonly #server;
  readonly #cookies: Map<string, string>;

  constructor(site: RequestListener, cookies = new Map<string, string>()) {
    this.#server = createServer(site);
    this.#cookies = cookies;
  }

  /** Another browser at the same site, with a copy of this one's cookies. */
  copy(site: RequestListener): Browser {
    return new Browser(site, new Map(this.#cookies));
  }

  get hasCookie(): boolean {
    return this.#cookies.size > 0;
  }

  /** Sends a request with the cookies of this moment, and keeps those of the response when it has arrived. */
  async visit(path: string, signal: AbortSignal): Promise<Answer> {
    const [here, there] = duplexPair();
    this.#server.emit("connection", there);
    const cookie = Array.from(this.#cookies, ([name, value]) => `${name}=${value}`).join("; ");
    const headers = {
      Host: "shop.example",
      Connection: "close",
      ...(cookie === "" ? {} : { Cookie: cookie }),
    };
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const sent = request({ path, headers, signal, createConnection: () => here }, (response) => {
      const {
        statusCode: status = 0,
        headers: { "set-cookie": setCookie = [] },
      } = response;
      text(response).then((body) => resolve({ status, text: body, setCookie }), reject);
    });
    sent.on("error", reject).end();
    try {
      const answer = await promise;
      for (const line of answer.setCookie) this.#take(line);
      return answer;
    } finally {
      here.destroy();
      there.destroy();
    }
  }

  /** As RFC 6265 says, of what matters here: a date in the past, or no time to live, deletes the cookie. */
  #take(line: string): void {
    const name = line.slice(0, line.indexOf("="));
    if (isDeletion(line)) this.#cookies.delete(name);
    else this.#cookies.set(name, line.slice(name.length + 1).split(";", 1)[0] ?? "");
  }
}

/** Whether a Set-Cookie header deletes its cookie. */
export function isDeletion(setCookie: string): boolean {
  const maxAge = /;\s*max-age=(-?\d+)/i.exec(setCookie)?.[1];
  const expires = /;\s*expires=([^;]+)/i.exec(setCookie)?.[1];
  return maxAge === undefined ? expires !== undefined && Date.parse(expires) <= 0 : Number(maxAge) <= 0;
}

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { AdoptionSource, Session, SessionsOptions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import { CookieJar } from "../support/cookie-jar.ts";

const folder = join(import.meta.dirname, "systems");

/** Why the tests with the systems' own packages are skipped, or `false`. In CI they have to be installed. */
export const missing: string | false = existsSync(join(folder, "node_modules"))
  ? false
  : "the systems are not installed here: `npm run adopt` installs them and tests";
assert.ok(missing === false || !process.env["CI"], String(missing));

export { load } from "./systems/load.ts";

const require = createRequire(join(folder, "package.json"));

/** A package of a system that is CommonJS. */
// oxlint-disable-next-line typescript/no-explicit-any -- as above
export function loadCommonJs(name: string): any {
  return require(name);
}

export type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A site on one address, whose server may be swapped, and a visitor's browser. */
export class MovingSite {
  readonly jar: CookieJar;
  readonly #options: Partial<SessionsOptions>;
  #server: Server | undefined;
  #port = 0;
  #page: (session: Session) => unknown = () => undefined;
  #shown: unknown;

  constructor(t: TestContext, options: Partial<SessionsOptions> = {}) {
    this.#options = options;
    this.jar = new CookieJar(() => options.clock?.now() ?? Date.now());
    t.after(() => this.stop());
  }

  get url(): string {
    return `http://localhost:${this.#port}/`;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }

  /** Stops the server that is there, and starts another one at the same address. */
  async swap(listener: Listener): Promise<void> {
    await this.stop();
    const server = createServer((request, response) => {
      // No connection to a server that has been swapped is used again.
      response.setHeader("connection", "close");
      void listener(request, response);
    });
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    this.#port = address.port;
    this.#server = server;
  }

  /** The site with Coatcheck. */
  async swapToCoatcheck(source: AdoptionSource): Promise<void> {
    const sessions = createSessions({
      secret: generateSecret(),
      store: memoryStore(),
      adopt: [source],
      ...this.#options,
    });
    await this.swap(
      nodeSessions(sessions, async (request: IncomingMessage, response: ServerResponse) => {
        this.#shown = await this.#page(await sessions.of(request));
        response.end();
      }),
    );
  }

  /** Sends the browser's cookies, or others, and keeps what comes back. */
  async visit(
    path = "",
    init: RequestInit & { readonly cookie?: string | undefined } = {},
  ): Promise<Response> {
    const { cookie = this.jar.header(this.url) } = init;
    const response = await fetch(this.url + path, {
      redirect: "manual",
      ...init,
      headers: { ...(init.headers as Record<string, string>), ...(cookie !== undefined && { cookie }) },
    });
    this.jar.receiveAll(response, this.url);
    return response;
  }

  /** What a page of Coatcheck's site sees. */
  async see<T>(page: (session: Session) => T, cookie?: string): Promise<Awaited<T>> {
    this.#page = page;
    this.#shown = undefined;
    const response = await this.visit("", { cookie });
    assert.equal(response.status, 200);
    return this.#shown as Awaited<T>;
  }

  /**
   * Swaps the server while a visitor of the system before has its cookies: their login goes on, once, and is over
   * when they log out.
   *
   * @param subject who was logged in.
   * @param cookies the names of the old cookies.
   */
  async move(source: AdoptionSource, subject: string, cookies: readonly string[]): Promise<void> {
    const old = this.jar.header(this.url);
    assert.deepEqual(this.jar.cookies.map(({ name }) => name).toSorted(), cookies.toSorted());
    await this.swapToCoatcheck(source);
    assert.equal(await this.see((session) => session.subject), subject);
    assert.deepEqual(
      this.jar.cookies.map(({ name }) => name),
      ["__Host-Http-session"],
      "the old cookies are gone, and ours is there",
    );
    assert.equal(await this.see((session) => session.subject), subject);
    await this.see((session) => session.logout());
    assert.deepEqual(this.jar.cookies, []);
    assert.equal(await this.see((session) => session.subject, old), undefined, "a logout stays one");
  }
}

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Store } from "coatcheck";
import { nodeSessions } from "coatcheck/node";
import { until } from "../stores/redis-server.ts";

/** What became of the requests of a load. */
export interface RequestReport {
  readonly requests: number;
  /** How often each status came. */
  readonly answers: Readonly<Record<number, number>>;
  /** In milliseconds, of the requests for a session that were under way during the fault. */
  readonly p99: number;
  readonly slowest: number;
  /** p99 of the pages that do not touch the session. */
  readonly plain: number;
  /** From the end of the fault until every visitor had been served on every page again. */
  readonly recovery: number;
}

interface Data {
  written: number;
  count: number;
}

/** What the site does for each path, once it has the session. */
const pages: Readonly<Record<string, (session: Session<Data>) => unknown>> = {
  "/read": () => {},
  "/write": (session) => session.set("written", Date.now()),
  "/count": (session) => session.update("count", plusOne),
  "/many": async (session) => {
    await session.takeFlashes();
    await session.update("count", plusOne);
    session.flash("Counted.");
  },
};

/** What each visitor asks for over and over, all at once. */
const everything = ["/plain", "/read", "/write", "/count", "/count", "/many"];

/** Somebody who is logged in, and how often they were told that something was counted, or were not told. */
interface Visitor {
  readonly name: string;
  readonly cookie: string;
  counted: number;
  unsure: number;
}

/** One request, from its call until its answer was read, in `performance.now()`. */
interface Visit {
  readonly path: string;
  readonly began: number;
  readonly ended: number;
}

/**
 * Load on a site over sockets, by visitors who are logged in. Whatever the store does, a page that needs
 * the session answers 200 to whose it is, or 503 with Retry-After; no answer sets or clears a cookie;
 * what was acknowledged counts; and pages that need no session know nothing of it.
 */
export class RequestAudit {
  readonly #server: Server;
  readonly #address: string;
  readonly #visitors: Visitor[] = [];
  readonly #visits: Visit[] = [];
  readonly #answers: Record<number, number> = {};
  readonly #lanes: Promise<void>[] = [];
  /** When each lane was served. */
  readonly #served: number[][] = [];
  #stopped = false;

  private constructor(server: Server) {
    this.#server = server;
    this.#address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @returns once everybody was served a few times, so that what is measured is not the first steps of a cold program. */
  static async start(store: Store, lanes = everything, visitors = 8): Promise<RequestAudit> {
    const sessions = createSessions<Data>({ secret: generateSecret(), store });
    const handler = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const path = request.url ?? "";
      if (path === "/plain") {
        response.end("plain");
        return;
      }
      const session = await sessions.of(request);
      if (path.startsWith("/login/")) await session.login(path.slice("/login/".length));
      else await pages[path]?.(session);
      response.end(`${session.subject} ${session.get("count") ?? 0}`);
    };
    const server = createServer(nodeSessions(sessions, handler)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const audit = new RequestAudit(server);
    for (let at = 0; at < visitors; at++) await audit.#login(`visitor-${at}`);
    for (const visitor of audit.#visitors) for (const path of lanes) audit.#goOn(visitor, path);
    await until(
      "the load is going",
      () => audit.#stopped || audit.#served.every(({ length }) => length > 10),
    );
    return audit;
  }

  /** Goes on until everybody was served on every page since the fault ended, and asks everybody who they are. */
  async finish(began: number, ended: number): Promise<RequestReport> {
    const firsts = (): number[] =>
      this.#served.map((times) => times.find((time) => time >= ended) ?? Infinity);
    while (!this.#stopped && performance.now() < ended + 15_000 && Math.max(...firsts()) === Infinity)
      await wait(10);
    const recovery = Math.max(...firsts()) - ended;
    this.#stopped = true;
    await Promise.all(this.#lanes);
    for (const visitor of this.#visitors) await this.#checkCount(visitor);
    this.close();
    const during = this.#visits.filter((visit) => visit.began < ended && visit.ended > began);
    const plain = during.filter(({ path }) => path === "/plain");
    const needing = during.filter(({ path }) => path !== "/plain");
    return {
      requests: this.#visits.length,
      answers: this.#answers,
      p99: percentile(needing, 0.99),
      slowest: percentile(needing, 1),
      plain: percentile(plain, 0.99),
      recovery: Math.round(recovery),
    };
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #login(name: string): Promise<void> {
    const response = await fetch(`${this.#address}/login/${name}`, { method: "POST" });
    const [cookie = ""] = response.headers.getSetCookie().map((line) => line.split(";")[0]);
    assert.equal(await response.text(), `${name} 0`);
    this.#visitors.push({ name, cookie, counted: 0, unsure: 0 });
  }

  /** A promise of the site that was broken ends the load; `finish` throws it. */
  #goOn(visitor: Visitor, path: string): void {
    const served: number[] = [];
    this.#served.push(served);
    const lane = (async () => {
      while (!this.#stopped) {
        const { status } = await this.#ask(visitor, path);
        if (status === 200) served.push(performance.now());
        await wait(20);
      }
    })();
    void lane.catch(() => (this.#stopped = true));
    this.#lanes.push(lane);
  }

  async #ask(visitor: Visitor, path: string): Promise<{ status: number; body: string }> {
    const began = performance.now();
    const response = await fetch(this.#address + path, { headers: { cookie: visitor.cookie } });
    const { status, headers } = response;
    const body = await response.text();
    this.#visits.push({ path, began, ended: performance.now() });
    this.#answers[status] = (this.#answers[status] ?? 0) + 1;
    assert.deepEqual(headers.getSetCookie(), [], `${path} set a cookie`);
    if (status === 503 && path !== "/plain") assert.match(headers.get("Retry-After") ?? "none", /^\d+$/);
    else assert.equal(`${status} ${body.split(" ")[0]}`, `200 ${path === "/plain" ? "plain" : visitor.name}`);
    if (path === "/count" || path === "/many") visitor[status === 200 ? "counted" : "unsure"]++;
    return { status, body };
  }

  async #checkCount(visitor: Visitor): Promise<void> {
    const { status, body } = await this.#ask(visitor, "/read");
    const { name, counted, unsure } = visitor;
    assert.equal(status, 200, `${name} is served afterwards`);
    const count = Number(body.split(" ")[1]);
    const told = `${name} has ${count}; ${counted} were acknowledged, ${unsure} failed`;
    assert.ok(count >= counted && count <= counted + unsure, told);
  }
}

function plusOne(count: number | undefined): number {
  return (count ?? 0) + 1;
}

/** Of how long they took, in milliseconds. */
function percentile(visits: readonly Visit[], share: number): number {
  const durations = visits.map(({ began, ended }) => ended - began).toSorted((one, other) => one - other);
  return Math.round(durations[Math.ceil(durations.length * share) - 1] ?? 0);
}

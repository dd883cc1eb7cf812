import { test } from "node:test";
import type { TestContext } from "node:test";
import type { AdoptionSource, Sessions, SessionsOptions } from "coatcheck";
import { fromCookieSession, fromExpressSession } from "coatcheck/adopt";
import type { FromCookieSessionOptions, FromExpressSessionOptions } from "coatcheck/adopt";
import { home, Site, storeKinds } from "../support/site.ts";
import type { StoreKind, Visitor } from "../support/site.ts";
import { expressCookie } from "./old-systems.ts";

export const secret = "keyboard cat";

export interface OldSession {
  readonly user?: string;
  readonly theme?: string;
  readonly cart?: readonly string[];
}

/** The records of the system before, as a store of express-session keeps them. */
class OldRecords {
  readonly #records = new Map<string, string>();
  readonly log: string[] = [];

  keep(id: string, data: OldSession, expires?: number): string {
    const cookie = { originalMaxAge: null, ...(expires !== undefined && { expires: new Date(expires) }) };
    this.#records.set(id, JSON.stringify({ cookie, ...data }));
    return `connect.sid=${expressCookie(id, secret)}`;
  }

  has(id: string): boolean {
    return this.#records.has(id);
  }

  readonly store = {
    read: async (id: string): Promise<unknown> => {
      this.log.push(`read ${id}`);
      return this.#records.get(id);
    },
    remove: async (id: string): Promise<void> => {
      this.log.push(`remove ${id}`);
      this.#records.delete(id);
    },
  };
}

export type Options<All> = Partial<Omit<All, "take">> & { take?: (old: OldSession) => unknown };

function taken({ user, theme }: OldSession) {
  return { subject: user, data: { theme } };
}

/** A site that adopts from express-session and from cookie-session, and what the old one left. */
export class NewSite extends Site {
  readonly old = new OldRecords();
  readonly #until: Date;

  constructor(t: TestContext, store: StoreKind = "memory") {
    super(t, { store });
    this.#until = new Date(this.clock.now() + 90 * 86_400_000);
  }

  express(options: Options<FromExpressSessionOptions<OldSession>> = {}): AdoptionSource {
    const { until } = this;
    return fromExpressSession<OldSession>({
      secret,
      store: this.old.store,
      until,
      take: taken,
      ...options,
    } as FromExpressSessionOptions<OldSession>);
  }

  cookies(options: Options<FromCookieSessionOptions<OldSession>> = {}): AdoptionSource {
    const { until } = this;
    return fromCookieSession<OldSession>({
      secret,
      until,
      take: taken,
      ...options,
    } as FromCookieSessionOptions<OldSession>);
  }

  get until(): Date {
    return this.#until;
  }

  adopting(
    sources: readonly AdoptionSource[] = [this.express(), this.cookies()],
    options: Partial<SessionsOptions> = {},
  ): Sessions {
    return this.sessionsWith({ adopt: sources, ...options });
  }

  /** A visitor whose browser has these cookies. */
  coming(cookies: string, sessions: Sessions = this.adopting()): Visitor {
    const visitor = this.visitor(sessions);
    for (const pair of cookies.split("; ")) visitor.jar.receive(`${pair}; Path=/`, home);
    return visitor;
  }
}

export function testOnStores(name: string, body: (site: NewSite, t: TestContext) => Promise<void>): void {
  for (const store of storeKinds) test(`${name} (${store})`, (t) => body(new NewSite(t, store), t));
}

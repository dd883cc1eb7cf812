import { exchangesOf } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";
import type { AnyData, KeyOf } from "../session/data-types.ts";
import { agentHosts, sendSecureCookies } from "./agent.ts";
import type { CookieAgent } from "./agent.ts";
import { CookieJar } from "./cookie-jar.ts";

/** What a session that a test begins holds, besides who is logged in. */
export interface SignInOptions<Data extends object = AnyData> {
  /** The session's data. Default: none. */
  readonly data?: Partial<Data>;
  /** Messages that wait for the next page: texts, or texts with a category. Default: none. */
  readonly flashes?: readonly (string | { readonly message: string; readonly category?: string })[];
  /** Whether the session outlives the browser. Default `false`. */
  readonly permanent?: boolean;
  /** The User-Agent that logged in, as the list of devices shows it. Default: empty. */
  readonly agent?: string;
}

/** A cookie in the form of Playwright's `storageState`. */
export interface StoredCookie {
  name: string;
  value: string;
  domain: string;
  path: string;
  /** In seconds since 1970; -1 for a cookie that lasts until the browser is closed. */
  expires: number;
  httpOnly: boolean;
  secure: boolean;
  sameSite: "Strict" | "Lax" | "None";
}

/**
 * Begins a session of a subject in the store of these `sessions`, as a handler's login would, and returns its
 * cookie in the form that each test client needs.
 *
 * @param subject who logs in, such as the user's id.
 * @throws what `login`, `set` and `flash` throw; StoreError; ConfigError SECRET_MISSING.
 */
export async function signIn<Data extends object>(
  sessions: Sessions<Data>,
  subject: string,
  options: SignInOptions<Data> = {},
): Promise<SignedIn> {
  const header = (name: string): string | undefined => (name === "user-agent" ? options.agent : undefined);
  const exchange = exchangesOf(sessions).begin({ method: "POST", header }, []);
  const session = await exchange.session(true);
  if (options.permanent !== undefined) session.permanent = options.permanent;
  for (const [key, value] of Object.entries(options.data ?? {})) {
    // oxlint-disable-next-line no-unsafe-type-assertion -- the pairs of a Partial<Data>
    session.set(key as KeyOf<Data>, value as Data[KeyOf<Data>]);
  }
  for (const flash of options.flashes ?? []) {
    if (typeof flash === "string") session.flash(flash);
    else session.flash(flash.message, flash.category);
  }
  await session.login(subject);
  const { headers, failure } = await exchange.commit({ status: 200 });
  if (failure !== undefined) throw failure; // oxlint-disable-line typescript/only-throw-error -- passed on as it came
  return new SignedIn(headers.setCookies[0] ?? "", subject, session.id ?? "");
}

/** A session that `signIn` began, with its cookie for each test client. */
export class SignedIn {
  /** The Set-Cookie header, as the login's response would send it. */
  readonly setCookie: string;
  /** Who is logged in. */
  readonly subject: string;
  /** The id of the session, as in `sessions.list` and `session.id`. */
  readonly id: string;

  /** @internal Use `signIn`. */
  constructor(setCookie: string, subject: string, id: string) {
    this.setCookie = setCookie;
    this.subject = subject;
    this.id = id;
  }

  /** The Cookie header: for `.set("Cookie", …)` in supertest, and for any client that takes headers. */
  get cookie(): string {
    return this.setCookie.split(";", 1)[0] ?? "";
  }

  /** The headers of a request: for `app.request(path, { headers })` in Hono, and for `fetch`. */
  get headers(): { cookie: string } {
    return { cookie: this.cookie };
  }

  /** The cookie by its name: for `app.inject({ cookies })` in Fastify. */
  get cookies(): Record<string, string> {
    const { name, value } = this.#pair;
    return { [name]: value };
  }

  /** Returns a jar that holds the cookie. */
  jar(): CookieJar {
    const jar = new CookieJar();
    jar.take([this.setCookie]);
    return jar;
  }

  /**
   * Puts the cookie into the jar of a supertest agent, and lets the agent send `Secure` cookies over plain http.
   *
   * @returns the agent.
   */
  into<Agent extends CookieAgent>(agent: Agent): Agent {
    const { jar } = sendSecureCookies(agent);
    // A cookie without a host is sent to every host, but would be found after one that a response has set.
    for (const host of agentHosts)
      jar.setCookie(`${this.#pair.name}=; Expires=${new Date(0).toUTCString()}`, host);
    jar.setCookie(this.setCookie);
    return agent;
  }

  /**
   * Returns the `storageState` of a Playwright context. For a context that is already open, pass its `cookies` to
   * `context.addCookies`.
   *
   * @param url the address of the site, for the cookie's domain: `http://localhost:3000`.
   */
  storageState(url: string): { cookies: StoredCookie[]; origins: never[] } {
    const attributes = new Map(
      this.setCookie
        .split("; ")
        .slice(1)
        .map((attribute) => {
          const [name = "", value = ""] = attribute.split("=");
          return [name.toLowerCase(), value] as const;
        }),
    );
    const domain = attributes.get("domain");
    const maxAge = attributes.get("max-age");
    const sameSite = attributes.get("samesite");
    const cookie: StoredCookie = {
      ...this.#pair,
      // Playwright takes a leading dot for "and its subdomains", which is what the attribute means.
      domain: domain === undefined ? new URL(url).hostname : `.${domain}`,
      path: attributes.get("path") ?? "/",
      // The browser has its own clock, whatever the clock of `sessions` says.
      expires: maxAge === undefined ? -1 : Math.floor(Date.now() / 1000) + Number(maxAge),
      httpOnly: attributes.has("httponly"),
      secure: attributes.has("secure"),
      sameSite: sameSite === "Strict" || sameSite === "None" ? sameSite : "Lax",
    };
    return { cookies: [cookie], origins: [] };
  }

  get #pair(): { name: string; value: string } {
    const { cookie } = this;
    const at = cookie.indexOf("=");
    return { name: cookie.slice(0, at), value: cookie.slice(at + 1) };
  }
}

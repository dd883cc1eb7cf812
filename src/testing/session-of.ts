import { exchangesOf } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";
import { agentHosts } from "./agent.ts";
import type { Flash } from "../session/flashes.ts";

/** What is kept for a session. */
export interface KeptSession<Data extends object> {
  /** The id of the session, as in `sessions.list` and `session.id`. */
  readonly id: string;
  /** Who is logged in, or `undefined`. */
  readonly subject: string | undefined;
  readonly data: Partial<Data>;
  /** The messages that wait for the next page. */
  readonly flashes: readonly Flash[];
  /** Whether the session outlives the browser. */
  readonly permanent: boolean;
  readonly createdAt: Date;
  /** When the subject logged in; `undefined` if nobody is logged in. */
  readonly authenticatedAt: Date | undefined;
  readonly lastSeenAt: Date;
  /** When the session ends unless it is used again. */
  readonly expiresAt: Date;
}

/**
 * Where a cookie comes from: the text of a Cookie or Set-Cookie header, several of them, a list of cookies with names
 * and values, a supertest agent, or what has headers: a `CookieJar`, the result of `signIn`, a response of `fetch`,
 * of supertest or of Fastify's `inject`. `undefined` stands for a visitor without cookies.
 */
export type CookieSource =
  | string
  | readonly string[]
  | readonly { readonly name: string; readonly value: string }[]
  | { readonly jar: { getCookies(access: never): unknown } }
  | {
      readonly headers:
        | { get(name: string): string | null; getSetCookie(): string[] }
        | Readonly<Record<string, string | number | readonly string[] | undefined>>;
    }
  | undefined;

/** A pair in a list of cookies, such as the result of `context.cookies()` in Playwright. */
type NamedCookie = Exclude<Extract<CookieSource, readonly unknown[]>[number], string>;

/** The headers of `fetch`, or of Node by lower-case names. */
type AnyHeaders = Extract<CookieSource, { readonly headers: unknown }>["headers"];

type FetchHeaders = Extract<AnyHeaders, { getSetCookie(): string[] }>;

/**
 * Looks up what is kept for a cookie, without using the session: no message is consumed and no timeout restarts. It
 * reads the store itself, never a near cache.
 *
 * @param from a response has the session's cookie only if it began, renewed or ended the session; use a jar across
 *   several requests.
 * @returns `undefined` if there is no cookie, or if its session has ended or got another ticket.
 * @throws TypeError if `from` is none of these; StoreError; ConfigError SECRET_MISSING.
 */
export async function sessionOf<Data extends object>(
  sessions: Sessions<Data>,
  from: CookieSource,
): Promise<KeptSession<Data> | undefined> {
  const cookie = cookieHeaderOf(from);
  const header = (name: string): string | undefined => (name === "cookie" ? cookie : undefined);
  const exchange = exchangesOf(sessions).begin({ method: "GET", header }, []);
  const session = await exchange.session(true);
  const { id, subject, permanent, createdAt, authenticatedAt, lastSeenAt, expiresAt } = session;
  // oxlint-disable-next-line no-unsafe-type-assertion -- the entries of a session of this type
  const data = Object.fromEntries(session.entries()) as Partial<Data>;
  const flashes = session.peekFlashes();
  await exchange.commit("threw"); // a failed request is not a use of the session
  if (id === undefined || createdAt === undefined || lastSeenAt === undefined || expiresAt === undefined)
    return undefined;
  return { id, subject, data, flashes, permanent, createdAt, authenticatedAt, lastSeenAt, expiresAt };
}

/** Attributes of a Set-Cookie header may stay in the text: they look like cookies with other names. */
function cookieHeaderOf(from: CookieSource): string {
  if (from === undefined) return "";
  if (typeof from === "string") return from;
  if (Array.isArray(from)) return from.map((one: string | NamedCookie) => textOf(one)).join("; ");
  if ("jar" in from && typeof from.jar === "object") {
    const jar: { getCookies(access: object): unknown } = from.jar;
    return agentHosts
      .map((domain) => jar.getCookies({ domain, path: "/", secure: true, script: false }))
      .flatMap((cookies) => (Array.isArray(cookies) ? cookies : []))
      .map(({ name, value }: NamedCookie) => `${name}=${value}`)
      .join("; ");
  }
  if ("headers" in from) return ofHeaders(from.headers);
  throw new TypeError("sessionOf() needs a cookie, a jar or a response.");
}

function textOf(cookie: string | NamedCookie): string {
  return typeof cookie === "string" ? cookie : `${cookie.name}=${cookie.value}`;
}

function ofHeaders(headers: AnyHeaders): string {
  const values = isOfFetch(headers)
    ? [...headers.getSetCookie(), headers.get("cookie")]
    : [headers["set-cookie"], headers["cookie"]].flat();
  return values.filter((value) => typeof value === "string").join("; ");
}

function isOfFetch(headers: AnyHeaders): headers is FetchHeaders {
  return typeof headers["getSetCookie"] === "function";
}

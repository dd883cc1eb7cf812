import { hkdfSync } from "node:crypto";
import { assertKnownOptions } from "../runtime/check-options.ts";
import type { AdoptionSource } from "../services/adoption-source.ts";
import { maxValueLength, valuesOf } from "./format.ts";
import type { Credential, Format, OldCookies } from "./format.ts";
import { decryptToken, keyLengths } from "./jwe.ts";
import type { Encryption } from "./jwe.ts";
import { ownProperty } from "./old-data.ts";
import { OldSecrets } from "./secrets.ts";
import type { OldSecret } from "./secrets.ts";
import { createSource } from "./source.ts";
import type { AdoptOptions, OldCookie } from "./source.ts";

/** The options of {@link fromNextAuth} and {@link fromAuthJs}. `Old` is the type of the token. */
export interface FromNextAuthOptions<Old extends object> extends AdoptOptions<Old> {
  /** Its `secret`: `NEXTAUTH_SECRET` or `AUTH_SECRET`; several in any order. */
  readonly secret: OldSecret | undefined;
  /**
   * Its session cookie. Default: both names that it uses, with and without `__Secure-`. Give it the `path` and
   * `domain` that it had.
   */
  readonly cookie?: OldCookie;
}

/** How one of the two makes its tokens. */
interface Version {
  readonly from: string;
  readonly name: string;
  readonly encryption: Encryption;
  /** @param name the cookie's name, which is a part of the key in Auth.js. */
  keyOf(secret: string | Uint8Array, name: string): Buffer;
}

/** In milliseconds: what both allow for clocks that differ. */
const skew = 15_000;

/** They split a token that is too long for a cookie into `name.0`, `name.1` and so on. */
const maxChunks = 8;

/**
 * Adopts the visitors of next-auth 4 (tested with 4.24) with sessions of the strategy `"jwt"`. `take` gets the token:
 * `sub`, `name`, `email`, `picture`, and what the callback `jwt` has added.
 *
 * @throws ConfigError CONFIG_INVALID if an option is missing, unknown or not valid.
 */
export function fromNextAuth<Old extends object = Readonly<Record<string, unknown>>>(
  options: FromNextAuthOptions<Old>,
): AdoptionSource {
  return fromTokens("fromNextAuth", options, {
    from: "next-auth",
    name: "next-auth.session-token",
    encryption: "A256GCM",
    keyOf: (secret) => derived(secret, "", "NextAuth.js Generated Encryption Key", keyLengths.A256GCM),
  });
}

/**
 * Adopts the visitors of Auth.js 5 (next-auth 5, and @auth/core, tested with 0.41) with sessions of the strategy
 * `"jwt"`. `take` gets the token: `sub`, `name`, `email`, `picture`, and what the callback `jwt` has added.
 *
 * @throws ConfigError CONFIG_INVALID if an option is missing, unknown or not valid.
 */
export function fromAuthJs<Old extends object = Readonly<Record<string, unknown>>>(
  options: FromNextAuthOptions<Old>,
): AdoptionSource {
  return fromTokens("fromAuthJs", options, {
    from: "auth.js",
    name: "authjs.session-token",
    encryption: "A256CBC-HS512",
    keyOf: (secret, name) =>
      derived(secret, name, `Auth.js Generated Encryption Key (${name})`, keyLengths["A256CBC-HS512"]),
  });
}

function fromTokens<Old extends object>(
  caller: string,
  options: FromNextAuthOptions<Old>,
  version: Version,
): AdoptionSource {
  assertKnownOptions(options, ["secret", "cookie", "until", "take"], caller);
  const { name } = options.cookie ?? {};
  const names = name === undefined ? [`__Secure-${version.name}`, version.name] : [name];
  return createSource(caller, tokenCookies(names, new OldSecrets(caller, options.secret), version), options);
}

function tokenCookies(names: readonly string[], secrets: OldSecrets, version: Version): Format {
  const keys = new Map<string, readonly Buffer[]>();
  const keysOf = (name: string): readonly Buffer[] => {
    const known = keys.get(name) ?? secrets.all.map((secret) => version.keyOf(secret, name));
    keys.set(name, known);
    return known;
  };
  const open = (
    name: string,
    { token, cookies }: TokenCookies,
    now: number,
  ): Credential | "expired" | "invalid" => {
    for (const key of keysOf(name)) {
      const decrypted = decryptToken(token, version.encryption, key);
      if (decrypted === undefined) continue;
      const { authenticated, claims } = decrypted;
      const end = ownProperty(claims, "exp");
      // Both always write it, so a token without an end was not made for a session.
      if (typeof end !== "number") return "invalid";
      const goodUntil = end * 1000 + skew;
      return goodUntil <= now
        ? "expired"
        : { identity: authenticated, cookies, goodUntil, read: () => claims };
    }
    return "invalid";
  };
  return {
    from: version.from,
    isCookie: (other) => names.some((name) => other === name || chunkOf(other, name) !== undefined),
    find: (cookies, now) =>
      names.flatMap((name) => tokensOf(cookies, name).map((token) => open(name, token, now))),
    assertPresent: () => void secrets.all,
  };
}

/** A token, and the names of the cookies that it comes from. */
interface TokenCookies {
  readonly token: string;
  readonly cookies: readonly string[];
}

/** Returns the tokens of a request: each whole one, and the one in chunks if no chunk comes twice. */
function tokensOf(cookies: OldCookies, name: string): TokenCookies[] {
  const whole = valuesOf(cookies, name).map((token) => ({ token, cookies: [name] }));
  const chunks = [...cookies.keys()]
    .map((other) => ({ other, index: chunkOf(other, name) ?? -1 }))
    .filter(({ index }) => index !== -1)
    .toSorted((one, other) => one.index - other.index);
  if (chunks.length === 0 || chunks.length > maxChunks) return whole;
  const parts = chunks.map(({ other }) => cookies.get(other) ?? []);
  const token = parts.map(([first = ""]) => first).join("");
  if (parts.some((values) => values.length > 1) || token.length > maxValueLength) return whole;
  return [...whole, { token, cookies: chunks.map(({ other }) => other) }];
}

/** Returns the number of a chunk, if this is the name of one. */
function chunkOf(other: string, name: string): number | undefined {
  const digits = other.startsWith(`${name}.`) ? other.slice(name.length + 1) : "";
  return /^\d{1,2}$/.test(digits) ? Number(digits) : undefined;
}

function derived(secret: string | Uint8Array, salt: string, info: string, length: number): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, salt, info, length));
}

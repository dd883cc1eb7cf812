import { valuesOf } from "./format.ts";
import type { OldCookies } from "./format.ts";
import { hmac, textsEqual } from "./secrets.ts";
import type { OldSecrets } from "./secrets.ts";

/** The hash functions that Keygrip can be given. */
export type KeygripAlgorithm = "sha1" | "sha256" | "sha384" | "sha512";

/** Returns the name of the cookie that holds another's signature. */
export function signatureName(name: string): string {
  return `${name}.sig`;
}

/**
 * Returns the values of a cookie, and whether the package `cookies` signed them: with base64url of an HMAC over
 * `name=value`, in a second cookie.
 */
export function signedValues(
  cookies: OldCookies,
  name: string,
  secrets: OldSecrets,
  algorithm: KeygripAlgorithm,
): { readonly value: string; readonly isSigned: boolean }[] {
  const signatures = valuesOf(cookies, signatureName(name));
  return valuesOf(cookies, name).map((value) => ({
    value,
    isSigned: secrets.all.some((secret) => {
      const wanted = hmac(algorithm, secret, `${name}=${value}`).toString("base64url");
      return signatures.some((signature) => textsEqual(wanted, signature));
    }),
  }));
}

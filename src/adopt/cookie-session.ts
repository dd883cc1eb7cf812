import { assertKnownOptions } from "../runtime/check-options.ts";
import type { AdoptionSource } from "../services/adoption-source.ts";
import { parseOldData } from "./old-data.ts";
import { OldSecrets } from "./secrets.ts";
import type { OldSecret } from "./secrets.ts";
import { signatureName, signedValues } from "./signed-cookies.ts";
import { createSource } from "./source.ts";
import type { AdoptOptions, OldCookie } from "./source.ts";

/** The options of {@link fromCookieSession}. `Old` is the type of what it kept. */
export interface FromCookieSessionOptions<Old extends object> extends AdoptOptions<Old> {
  /** The `keys` or the `secret` of cookie-session, in any order. */
  readonly secret: OldSecret | undefined;
  /** Its cookie. Default name `"session"`. Give it the `path` and `domain` that it had. */
  readonly cookie?: OldCookie;
}

/**
 * Adopts the visitors of cookie-session (tested with 2.1) with `signed: true`, its default. `take` gets the session's
 * data.
 *
 * Its cookie contains nothing but the data. So two browsers with the same data have the same cookie: they get the same
 * session, and a logout in one is a logout in both.
 *
 * @throws ConfigError CONFIG_INVALID if an option is missing, unknown or not valid.
 */
export function fromCookieSession<Old extends object = Readonly<Record<string, unknown>>>(
  options: FromCookieSessionOptions<Old>,
): AdoptionSource {
  const caller = "fromCookieSession";
  assertKnownOptions(options, ["secret", "cookie", "until", "take"], caller);
  const { name = "session" } = options.cookie ?? {};
  const secrets = new OldSecrets(caller, options.secret);
  const names = [name, signatureName(name)];
  return createSource(
    caller,
    {
      from: "cookie-session",
      isCookie: (other) => names.includes(other),
      find: (cookies) =>
        signedValues(cookies, name, secrets, "sha1").map(({ value, isSigned }) =>
          isSigned
            ? { identity: `${name}=${value}`, cookies: names, read: () => decodedData(value) }
            : "invalid",
        ),
      assertPresent: () => void secrets.all,
    },
    options,
  );
}

/** Decodes base64 of JSON. */
export function decodedData(value: string): object | undefined {
  return parseOldData(Buffer.from(value, "base64").toString());
}

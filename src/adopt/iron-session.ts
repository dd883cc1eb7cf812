import { createDecipheriv, pbkdf2Sync } from "node:crypto";
import { decoded } from "../cookies/encoding.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import type { AdoptionSource } from "../services/adoption-source.ts";
import { valuesOf } from "./format.ts";
import type { Credential, Format } from "./format.ts";
import { parseOldData } from "./old-data.ts";
import { decodeCanonical, hmac, OldSecrets, textsEqual } from "./secrets.ts";
import type { OldSecret } from "./secrets.ts";
import { createSource } from "./source.ts";
import type { AdoptOptions, OldCookie } from "./source.ts";

/** The options of {@link fromIronSession}. `Old` is the type of what it kept. */
export interface FromIronSessionOptions<Old extends object> extends AdoptOptions<Old> {
  /** The `password` of iron-session. If it was an object of several, their values, in any order. */
  readonly secret: OldSecret | undefined;
  /** Its cookie: `name` is the `cookieName`, which has no default. Give it the `path` and `domain` that it had. */
  readonly cookie: OldCookie & { readonly name: string };
}

/** How much later than its end a cookie is still good: iron-session's own allowance for clocks that differ. */
const skew = 60_000;

/**
 * `Fe26.2*<password id>*<salt>*<iv>*<ciphertext>*<end>*<hmac salt>*<hmac>~2`. The salts are text. Everything up to
 * the end is authenticated.
 */
const shape =
  /^(Fe26\.2\*\w{0,64}\*([0-9a-f]{64})\*([\w-]{22})\*([\w-]+)\*(\d{0,15}))\*([0-9a-f]{64})\*([\w-]{43})~2$/;

/**
 * Adopts the visitors of iron-session (tested with 8.0 and 9.0). `take` gets the session's data.
 *
 * @throws ConfigError CONFIG_INVALID if an option is missing, unknown or not valid.
 */
export function fromIronSession<Old extends object = Readonly<Record<string, unknown>>>(
  options: FromIronSessionOptions<Old>,
): AdoptionSource {
  const caller = "fromIronSession";
  assertKnownOptions(options, ["secret", "cookie", "until", "take"], caller);
  const name: unknown = options.cookie?.name;
  assertOption(
    typeof name === "string" && name !== "",
    `${caller}: cookie.name is missing: pass the cookieName.`,
  );
  return createSource(caller, ironSession(name, new OldSecrets(caller, options.secret)), options);
}

function ironSession(name: string, secrets: OldSecrets): Format {
  const open = (value: string, now: number): Credential | "expired" | "invalid" => {
    const parts = shape.exec(decoded(value));
    if (parts === null) return "invalid";
    const [, signed = "", salt = "", ivText = "", sealed = "", end = "", hmacSalt = "", mac = ""] = parts;
    const password = secrets.all.find((secret) =>
      textsEqual(hmac("sha256", derived(secret, hmacSalt), signed).toString("base64url"), mac),
    );
    if (password === undefined) return "invalid";
    const goodUntil = end === "" ? undefined : Number(end) + skew;
    if (goodUntil !== undefined && goodUntil <= now) return "expired";
    return {
      identity: signed,
      cookies: [name],
      ...(goodUntil !== undefined && { goodUntil }),
      read: () => unsealed(derived(password, salt), ivText, sealed),
    };
  };
  return {
    from: "iron-session",
    isCookie: (other) => other === name,
    find: (cookies, now) => valuesOf(cookies, name).map((value) => open(value, now)),
    assertPresent: () => void secrets.all,
  };
}

/** One round, as iron-session has it: its passwords are long, and a stranger can't make this take longer. */
function derived(password: string | Uint8Array, salt: string): Buffer {
  return pbkdf2Sync(password, salt, 1, 32, "sha1");
}

function unsealed(key: Buffer, ivText: string, sealed: string): object | undefined {
  const [iv, bytes] = [decodeCanonical(ivText), decodeCanonical(sealed)];
  if (iv === undefined || bytes === undefined) return undefined;
  try {
    const decipher = createDecipheriv("aes-256-cbc", key, iv);
    return parseOldData(Buffer.concat([decipher.update(bytes), decipher.final()]).toString());
  } catch {
    // It was authenticated, but it is no whole number of blocks, or has no good padding.
    return undefined;
  }
}

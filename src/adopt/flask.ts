import { inflateSync } from "node:zlib";
import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import { assertKnownOptions } from "../runtime/check-options.ts";
import type { AdoptionSource } from "../services/adoption-source.ts";
import { parseFlaskJson } from "./flask-json.ts";
import { valuesOf } from "./format.ts";
import type { Credential, Format } from "./format.ts";
import { checkedOldData } from "./old-data.ts";
import { createHmac } from "node:crypto";
import { hmac, OldSecrets, textsEqual } from "./secrets.ts";
import type { OldSecret } from "./secrets.ts";
import { createSource } from "./source.ts";
import type { AdoptOptions, OldCookie } from "./source.ts";

/** The options of {@link fromFlask}. `Old` is the type of what Flask kept. */
export interface FromFlaskOptions<Old extends object> extends AdoptOptions<Old> {
  /** `SECRET_KEY`, and `SECRET_KEY_FALLBACKS` if there are any, in any order. Bytes as a `Uint8Array`. */
  readonly secret: OldSecret | undefined;
  /** Its cookie. Default name `"session"`. Give it the `path` and `domain` that it had. */
  readonly cookie?: OldCookie;
  /** `PERMANENT_SESSION_LIFETIME`: an older cookie opens nothing. Default 31 days, as in Flask. */
  readonly lifetime?: Duration;
}

/** How far a cookie's time may lie ahead, in milliseconds, since clocks differ. */
const skew = 60_000;

/** How large a compressed session may become, in bytes. A cookie holds 4096. */
const maxInflated = 262_144;

/** `[.]<payload>.<time>.<HMAC-SHA-1>`, each base64url; the dot in front says that the payload is compressed. */
const shape = /^((\.?)([\w-]+)\.([\w-]{0,8}))\.([\w-]{27})$/;

/**
 * Adopts the visitors of Flask (tested with cookies of Flask 3.1) with its own sessions in signed cookies. `take` gets
 * the session's data: tuples are arrays, bytes are a `Uint8Array`, a datetime is a `Date`, a UUID and Markup are
 * strings, and whole numbers that JavaScript can't hold exactly are a `bigint`.
 *
 * @throws ConfigError CONFIG_INVALID if an option is missing, unknown or not valid.
 */
export function fromFlask<Old extends object = Readonly<Record<string, unknown>>>(
  options: FromFlaskOptions<Old>,
): AdoptionSource {
  const caller = "fromFlask";
  assertKnownOptions(options, ["secret", "cookie", "lifetime", "until", "take"], caller);
  const { name = "session" } = options.cookie ?? {};
  const lifetime = toMilliseconds(options.lifetime ?? { days: 31 }, `${caller}: lifetime`);
  return createSource(caller, flask(name, new OldSecrets(caller, options.secret), lifetime), options);
}

function flask(name: string, secrets: OldSecrets, lifetime: number): Format {
  const open = (value: string, now: number): Credential | "expired" | "invalid" => {
    const parts = shape.exec(value);
    if (parts === null) return "invalid";
    const [, signed = "", dot = "", payload = "", time = "", signature = ""] = parts;
    const isSigned = secrets.all.some((secret) => {
      const key = createHmac("sha1", secret).update("cookie-session").digest();
      return textsEqual(hmac("sha1", key, signed).toString("base64url"), signature);
    });
    if (!isSigned) return "invalid";
    const bytes = Buffer.from(time, "base64url");
    const age = now - (bytes.length === 0 ? 0 : bytes.readUIntBE(0, bytes.length)) * 1000;
    if (age > lifetime || age < -skew) return "expired";
    return { identity: signed, cookies: [name], read: () => decodedPayload(payload, dot !== "") };
  };
  return {
    from: "flask",
    isCookie: (other) => other === name,
    find: (cookies, now) => valuesOf(cookies, name).map((value) => open(value, now)),
    assertPresent: () => void secrets.all,
  };
}

function decodedPayload(payload: string, isCompressed: boolean): object | undefined {
  const bytes = Buffer.from(payload, "base64url");
  try {
    const text = (isCompressed ? inflateSync(bytes, { maxOutputLength: maxInflated }) : bytes).toString();
    return checkedOldData(parseFlaskJson(text));
  } catch {
    // It was signed, but it is not compressed, not JSON, or too large: Flask itself would fail.
    return undefined;
  }
}

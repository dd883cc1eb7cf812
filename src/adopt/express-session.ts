import { decoded } from "../cookies/encoding.ts";
import { valuesOf } from "./format.ts";
import type { Credential, Format } from "./format.ts";
import { ownProperty } from "./old-data.ts";
import { assertOldStore, readOldRecord, removeOldRecord } from "./old-store.ts";
import type { OldStore } from "./old-store.ts";
import { hmac, OldSecrets, textsEqual } from "./secrets.ts";
import type { OldSecret } from "./secrets.ts";
import { createSource } from "./source.ts";
import type { AdoptOptions, OldCookie } from "./source.ts";
import type { AdoptionSource } from "../services/adoption-source.ts";
import { assertKnownOptions } from "../runtime/check-options.ts";

/** The options of {@link fromExpressSession}. `Old` is the type of what it kept. */
export interface FromExpressSessionOptions<Old extends object> extends AdoptOptions<Old> {
  /** The `secret` of express-session: one, or several in any order. */
  readonly secret: OldSecret | undefined;
  /** Where express-session kept its records: `connectRedis`, `connectPgSimple`, or functions of your own. */
  readonly store: OldStore;
  /** Its cookie. Default name `"connect.sid"`. Give it the `path` and `domain` that it had. */
  readonly cookie?: OldCookie;
}

/** A longer id is none that express-session makes, which are 32 characters. */
const maxIdLength = 1024;

/**
 * Adopts the visitors of express-session (tested with 1.19). `take` gets the old record as it was kept: its data, and
 * `cookie`.
 *
 * @throws ConfigError CONFIG_INVALID if an option is missing, unknown or not valid.
 */
export function fromExpressSession<Old extends object = Readonly<Record<string, unknown>>>(
  options: FromExpressSessionOptions<Old>,
): AdoptionSource {
  const caller = "fromExpressSession";
  assertKnownOptions(options, ["secret", "store", "cookie", "until", "take"], caller);
  assertOldStore(options.store, caller);
  const { name = "connect.sid" } = options.cookie ?? {};
  return createSource(
    caller,
    expressSession(name, new OldSecrets(caller, options.secret), options.store),
    options,
  );
}

/** The form of a value: `s:<id>.<HMAC-SHA-256 of the id in base64, without "=">`, percent-encoded. */
function expressSession(name: string, secrets: OldSecrets, store: OldStore): Format {
  const open = (value: string, now: number): Credential | "invalid" => {
    const text = decoded(value);
    const dot = text.lastIndexOf(".");
    const id = text.slice(2, dot);
    if (!text.startsWith("s:") || dot < 3 || id.length > maxIdLength) return "invalid";
    const signature = text.slice(dot + 1);
    const isSigned = secrets.all.some((secret) =>
      textsEqual(hmac("sha256", secret, id).toString("base64").replace(/=+$/, ""), signature),
    );
    if (!isSigned) return "invalid";
    return {
      identity: id,
      cookies: [name],
      read: async () => {
        const record = await readOldRecord(store, id);
        const end = timeOf(ownProperty(ownProperty(record, "cookie"), "expires"));
        return end !== undefined && end <= now ? undefined : record;
      },
      remove: removeOldRecord(store, id),
    };
  };
  return {
    from: "express-session",
    isCookie: (other) => other === name,
    find: (cookies, now) => valuesOf(cookies, name).map((value) => open(value, now)),
    assertPresent: () => void secrets.all,
  };
}

/** express-session writes the end as an ISO date, or not at all for a cookie that lasts as long as the browser. */
function timeOf(expires: unknown): number | undefined {
  if (typeof expires !== "string" && !(expires instanceof Date)) return undefined;
  const time = new Date(expires).getTime();
  return Number.isNaN(time) ? undefined : time;
}

import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import type { AdoptionSource } from "../services/adoption-source.ts";
import { decodedData } from "./cookie-session.ts";
import type { Credential, Format } from "./format.ts";
import { ownProperty, without } from "./old-data.ts";
import { assertOldStore, readOldRecord, removeOldRecord } from "./old-store.ts";
import type { OldStore } from "./old-store.ts";
import { OldSecrets } from "./secrets.ts";
import type { OldSecret } from "./secrets.ts";
import { signatureName, signedValues } from "./signed-cookies.ts";
import type { KeygripAlgorithm } from "./signed-cookies.ts";
import { createSource } from "./source.ts";
import type { AdoptOptions, OldCookie } from "./source.ts";

/** The options of {@link fromKoaSession}. `Old` is the type of what it kept. */
export interface FromKoaSessionOptions<Old extends object> extends AdoptOptions<Old> {
  /** The `keys` of the Koa app, in any order. */
  readonly secret: OldSecret | undefined;
  /** Its cookie. Default name `"koa.sess"`. Give it the `path` and `domain` that it had. */
  readonly cookie?: OldCookie;
  /** Where koa-session kept its records, if it had a `store`. Default: in the cookie. */
  readonly store?: OldStore;
  /** The hash function of the app's keys. Default `"sha1"`, as in Koa. */
  readonly algorithm?: KeygripAlgorithm;
}

const algorithms: readonly unknown[] = ["sha1", "sha256", "sha384", "sha512"] satisfies KeygripAlgorithm[];

/** What koa-session adds to the data. */
const ownKeys = ["_expire", "_maxAge", "_session"];

/**
 * Adopts the visitors of koa-session (tested with 7.0) with `signed: true`, its default, and its own `encode`. `take`
 * gets the session's data.
 *
 * @throws ConfigError CONFIG_INVALID if an option is missing, unknown or not valid.
 */
export function fromKoaSession<Old extends object = Readonly<Record<string, unknown>>>(
  options: FromKoaSessionOptions<Old>,
): AdoptionSource {
  const caller = "fromKoaSession";
  assertKnownOptions(options, ["secret", "cookie", "store", "algorithm", "until", "take"], caller);
  const { algorithm = "sha1", store } = options;
  if (store !== undefined) assertOldStore(store, caller);
  assertOption(
    algorithms.includes(algorithm),
    `${caller}: algorithm must be one of ${algorithms.join(", ")}.`,
  );
  const { name = "koa.sess" } = options.cookie ?? {};
  return createSource(
    caller,
    koaSession(name, new OldSecrets(caller, options.secret), algorithm, store),
    options,
  );
}

function koaSession(
  name: string,
  secrets: OldSecrets,
  algorithm: KeygripAlgorithm,
  store: OldStore | undefined,
): Format {
  const names = [name, signatureName(name)];
  const open = (value: string, now: number): Credential | "expired" => {
    const common = { identity: `${name}=${value}`, cookies: names };
    if (store !== undefined) {
      const read = async (): Promise<object | undefined> => dataOf(await readOldRecord(store, value), now);
      return { ...common, read, remove: removeOldRecord(store, value) };
    }
    const content = decodedData(value);
    const end = ownProperty(content, "_expire");
    if (typeof end === "number" && end <= now) return "expired";
    return {
      ...common,
      ...(typeof end === "number" && { goodUntil: end }),
      read: () => dataOf(content, now),
    };
  };
  return {
    from: "koa-session",
    isCookie: (other) => names.includes(other),
    find: (cookies, now) =>
      signedValues(cookies, name, secrets, algorithm).map(({ value, isSigned }) =>
        isSigned ? open(value, now) : "invalid",
      ),
    assertPresent: () => void secrets.all,
  };
}

function dataOf(content: object | undefined, now: number): object | undefined {
  const end = ownProperty(content, "_expire");
  return content === undefined || (typeof end === "number" && end <= now)
    ? undefined
    : without(content, ownKeys);
}

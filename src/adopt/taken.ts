import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import type { Services } from "../services/services.ts";
import { SessionData } from "../session/data.ts";
import { checkedSubject } from "../session/login.ts";

/** What comes along from an old session, checked and encoded. */
export interface CheckedTaken {
  readonly subject: string | null;
  readonly permanent: boolean;
  /** The texts of the data fields, by the fields' names. */
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * Checks the result of the app's `take`.
 *
 * @returns `undefined` if nothing comes along.
 * @throws MisuseError SUBJECT_INVALID, VALUE_NOT_STORABLE, KEY_INVALID; LimitError; ConfigError CONFIG_INVALID.
 */
export function checkedTaken(result: unknown, caller: string, services: Services): CheckedTaken | undefined {
  if (result === undefined || result === null) return undefined;
  assertOption(
    typeof result === "object",
    `${caller}: take must return { subject, data, permanent }, or undefined.`,
  );
  assertKnownOptions(result, ["subject", "data", "permanent"], `The result of ${caller}'s take`);
  const {
    subject,
    data,
    permanent = false,
  }: { subject?: unknown; data?: unknown; permanent?: unknown } = result;
  assertOption(typeof permanent === "boolean", `${caller}: take must return permanent as true or false.`);
  assertOption(
    data === undefined || data === null || (typeof data === "object" && !Array.isArray(data)),
    `${caller}: take must return data as an object.`,
  );
  const values = new SessionData(services.codec, services.limits);
  for (const [key, value] of Object.entries(data ?? {})) if (value !== undefined) values.set(key, value);
  const { set: texts } = values.changes();
  const isAnonymous = subject === undefined || subject === null;
  if (isAnonymous && texts.size === 0) return undefined;
  return { subject: isAnonymous ? null : checkedSubject(subject), permanent, texts };
}

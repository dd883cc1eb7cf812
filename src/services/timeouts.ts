import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import { expiresAt } from "../record/record.ts";
import type { RecordColumns, SessionRecord } from "../record/record.ts";
import { maxCookieAge } from "../cookies/serialize.ts";
import { assertOption } from "../runtime/check-options.ts";

/** How long sessions last. The server enforces all of these, whatever the cookie says (ASVS 7.3). */
export interface TimeoutOptions {
  /** How long a session may stay unused. Default 1 hour (NIST SP 800-63B-4, 2.2.3). */
  readonly idleTimeout?: Duration;
  /** How long a session lasts at most, counted from the login. Default 24 hours (NIST, same place). */
  readonly absoluteTimeout?: Duration;
  /**
   * How long a session with `permanent = true` may stay unused, instead of `idleTimeout`. Every use starts the
   * time again ("rolling"). Default 31 days, at most 400 (RFC 6265bis, 5.5).
   */
  readonly permanentLifetime?: Duration;
  /**
   * How long such a session lasts at most, counted from the login, instead of `absoluteTimeout`. Default
   * 400 days; NIST SP 800-63B-4 recommends 30 if a password alone is enough to log in (2.1.3). Set it to the
   * same value as `permanentLifetime` for a fixed end.
   */
  readonly permanentAbsoluteTimeout?: Duration;
}

/** The timeouts in milliseconds. */
export interface Timeouts {
  readonly idle: number;
  readonly absolute: number;
  readonly permanent: number;
  readonly permanentAbsolute: number;
}

/** For how long after a ticket was replaced a request with the old one counts as late, in milliseconds. */
export const lateRequestWindow = 60_000;

/** @throws ConfigError CONFIG_INVALID if an option is not a duration, or permanentLifetime is over 400 days. */
export function readTimeouts(options: TimeoutOptions): Timeouts {
  const permanent = toMilliseconds(options.permanentLifetime ?? { days: 31 }, "permanentLifetime");
  assertOption(
    permanent <= maxCookieAge * 1000,
    "permanentLifetime must be at most 400 days: browsers keep no cookie for longer.",
  );
  return {
    idle: toMilliseconds(options.idleTimeout ?? { hours: 1 }, "idleTimeout"),
    absolute: toMilliseconds(options.absoluteTimeout ?? { hours: 24 }, "absoluteTimeout"),
    permanent,
    permanentAbsolute: toMilliseconds(
      options.permanentAbsoluteTimeout ?? { days: 400 },
      "permanentAbsoluteTimeout",
    ),
  };
}

/** The columns that say how long a session lasts. */
export type LifetimeColumns = Pick<RecordColumns, "permanent" | "idleTimeout" | "absoluteDeadline">;

/**
 * @param start what the absolute timeout counts from: the login, or the creation if nobody has logged in.
 * @param ownLifetime how long this permanent session may stay unused, in milliseconds, if that is shorter than
 *   `permanentLifetime`.
 */
export function lifetimeOf(
  timeouts: Timeouts,
  permanent: boolean,
  start: number,
  ownLifetime: number = Infinity,
): LifetimeColumns {
  return permanent
    ? {
        permanent,
        idleTimeout: Math.min(ownLifetime, timeouts.permanent),
        absoluteDeadline: start + timeouts.permanentAbsolute,
      }
    : { permanent, idleTimeout: timeouts.idle, absoluteDeadline: start + timeouts.absolute };
}

/** Whether a new session is permanent, and its own lifetime. */
interface NewLifetime {
  readonly permanent: boolean | undefined;
  /** As for {@link lifetimeOf}. */
  readonly ownLifetime?: number | undefined;
}

/** @param usual what applies if `permanent` is `undefined`. */
export function lifetimeOfNew(
  timeouts: Timeouts,
  { permanent, ownLifetime }: NewLifetime,
  usual: NewLifetime | undefined,
  now: number,
): LifetimeColumns {
  return permanent === undefined
    ? lifetimeOf(timeouts, usual?.permanent ?? false, now, usual?.ownLifetime)
    : lifetimeOf(timeouts, permanent, now, ownLifetime);
}

/** Returns what a record's absolute timeout counts from. Only a real login resets it. */
export function startOf(record: RecordColumns): number {
  return record.authenticatedAt ?? record.createdAt;
}

/**
 * Returns when a session ends unless it is used again: the earlier of its stored deadlines and those of the
 * current options. So shorter timeouts apply immediately to sessions that began with longer ones.
 *
 * @internal
 */
export function endOf(record: SessionRecord, timeouts: Timeouts): number {
  const today = lifetimeOf(timeouts, record.permanent, startOf(record));
  return Math.min(expiresAt(record), record.lastSeenAt + today.idleTimeout, today.absoluteDeadline);
}

/**
 * Whether `lastSeenAt` should be updated: at most once in every tenth of the idle timeout or every minute,
 * whichever is shorter. So a session may end up to that much early, but never late, and never if it is used
 * at least once in every nine tenths of its idle timeout.
 *
 * @internal
 */
export function isTouchDue(record: SessionRecord, now: number): boolean {
  return now - record.lastSeenAt >= Math.min(record.idleTimeout / 10, 60_000);
}

/**
 * Whether use at `now` has moved the end of a permanent session so far that the cookie must be sent again with a
 * new Max-Age. No column says when the cookie was last sent, so it is sent whenever the end passes a multiple of a
 * step: a tenth of the lifetime, at most an hour. A cookie may expire that much earlier than its session.
 *
 * @internal
 */
export function isCookieDue(record: SessionRecord, timeouts: Timeouts, now: number): boolean {
  if (!record.permanent) return false;
  const step = Math.min(record.idleTimeout / 10, 3_600_000);
  const stepsTo = (end: number): number => Math.floor((end - startOf(record)) / step);
  return stepsTo(endOf({ ...record, lastSeenAt: now }, timeouts)) > stepsTo(endOf(record, timeouts));
}

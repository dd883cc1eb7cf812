import { ConfigError } from "../errors.ts";
import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import { expiresAt } from "../record/record.ts";
import type { RecordColumns, SessionRecord } from "../record/record.ts";
import { maxCookieAge } from "../cookies/serialize.ts";

/** How long sessions last. All are enforced by the server, whatever the cookie says (ASVS 7.3). */
export interface TimeoutOptions {
  /** How long a session may stay unused. Default 1 hour (NIST SP 800-63B-4, 2.2.3). */
  readonly idleTimeout?: Duration;
  /** How long a session lasts at most, counted from the login. Default 24 hours (NIST, same place). */
  readonly absoluteTimeout?: Duration;
  /**
   * How long a session with `permanent = true` may stay unused, in place of `idleTimeout`: it starts again
   * with use ("rolling"). Default 31 days, at most 400 (RFC 6265bis, 5.5).
   */
  readonly permanentLifetime?: Duration;
  /**
   * How long such a session lasts at most, counted from the login, in place of `absoluteTimeout`. Default
   * 400 days; NIST SP 800-63B-4 advises 30 where a password alone logs in (2.1.3). As long as
   * `permanentLifetime`, it makes that a fixed end.
   */
  readonly permanentAbsoluteTimeout?: Duration;
}

/** The same in milliseconds. */
export interface Timeouts {
  readonly idle: number;
  readonly absolute: number;
  readonly permanent: number;
  readonly permanentAbsolute: number;
}

/** After a ticket was replaced, how long a request that carries the old one is taken for a late one, in milliseconds. */
export const lateRequestWindow = 60_000;

/** @throws ConfigError CONFIG_INVALID for what is not a duration, or a permanent lifetime over 400 days. */
export function readTimeouts(options: TimeoutOptions): Timeouts {
  const permanent = toMilliseconds(options.permanentLifetime ?? { days: 31 }, "permanentLifetime");
  if (permanent > maxCookieAge * 1000) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "permanentLifetime is longer than browsers keep a cookie: 400 days.",
    );
  }
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

/** @param start the login, or the creation where nobody has logged in: what the absolute clock counts from. */
export function lifetimeOf(timeouts: Timeouts, permanent: boolean, start: number): LifetimeColumns {
  return permanent
    ? { permanent, idleTimeout: timeouts.permanent, absoluteDeadline: start + timeouts.permanentAbsolute }
    : { permanent, idleTimeout: timeouts.idle, absoluteDeadline: start + timeouts.absolute };
}

/** What the absolute clock of a record counts from: only a real login resets it. */
export function startOf(record: RecordColumns): number {
  return record.authenticatedAt ?? record.createdAt;
}

/**
 * When a session ends unless it is used again. Both the deadlines it was given and today's options
 * count, the earlier wins: shorter timeouts apply at once to sessions that began under longer ones.
 *
 * @internal
 */
export function endOf(record: SessionRecord, timeouts: Timeouts): number {
  const today = lifetimeOf(timeouts, record.permanent, startOf(record));
  return Math.min(expiresAt(record), record.lastSeenAt + today.idleTimeout, today.absoluteDeadline);
}

/**
 * Whether the idle clock is due to be moved: at most every tenth of the idle timeout or minute,
 * whichever is shorter. A session may so end up to that much early, never late, and never while
 * it is used at least every nine tenths of its idle timeout.
 *
 * @internal
 */
export function isTouchDue(record: SessionRecord, now: number): boolean {
  return now - record.lastSeenAt >= Math.min(record.idleTimeout / 10, 60_000);
}

/**
 * Whether use at `now` has moved a permanent session's end so far that the cookie, whose Max-Age says when it
 * was, has to go out again. No column says when it last did, so it does whenever the end passes a multiple of
 * a step: a tenth of the lifetime, an hour at most. That is how much earlier than its session a cookie may end.
 *
 * @internal
 */
export function isCookieDue(record: SessionRecord, timeouts: Timeouts, now: number): boolean {
  if (!record.permanent) return false;
  const step = Math.min(record.idleTimeout / 10, 3_600_000);
  const stepsTo = (end: number): number => Math.floor((end - startOf(record)) / step);
  return stepsTo(endOf({ ...record, lastSeenAt: now }, timeouts)) > stepsTo(endOf(record, timeouts));
}

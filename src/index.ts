export { systemClock } from "./runtime/clock.ts";
export type { AdoptionSource } from "./services/adoption-source.ts";
export type { Clock } from "./runtime/clock.ts";
export type { CookieKind, Cookies } from "./cookies/cookies.ts";
export type { AnyData, BareKeyOf, EntryOf, KeyOf } from "./session/data-types.ts";
export type { DevelopmentWarnings } from "./services/development-warnings.ts";
export type { Duration } from "./runtime/duration.ts";
export { eventChannel } from "./services/events.ts";
export type { AdoptionRefusal, PublishedEvent, SessionEvent } from "./services/events.ts";
export type { OutageCause } from "./services/outage-notice.ts";
export type { Flash, FlashFilter } from "./session/flashes.ts";
export type { FetchHandler, HandleOptions } from "./exchange/fetch.ts";
export { generateSecret } from "./crypto/keyring.ts";
export type { Secret } from "./crypto/keyring.ts";
export type { Limits } from "./services/limits.ts";
export type { SessionsOptions } from "./options.ts";
export type { CrossOriginOptions } from "./http/cross-origin.ts";
export type { Rejection, RejectionReason } from "./services/rejection.ts";
export { safeReturnPath } from "./http/return-path.ts";
export type { SessionInfo } from "./session/list-and-revoke.ts";
export type { SessionCookieOptions } from "./cookies/session-cookie.ts";
export type { Session } from "./session/session.ts";
export { createSessions } from "./sessions.ts";
export type { LoadOptions, Sessions } from "./sessions.ts";
export type { CookieAttributes, CookieScope } from "./cookies/serialize.ts";
export type { Store } from "./record/store.ts";
export type { TimeoutOptions } from "./services/timeouts.ts";
export { CoatcheckError, ConfigError, LimitError, MisuseError, StoreError } from "./errors.ts";
export type {
  ConfigErrorCode,
  LimitErrorCode,
  MisuseErrorCode,
  StoreErrorCode,
  StoreOperation,
} from "./errors.ts";

export { systemClock } from "./core/clock.ts";
export type { Clock } from "./core/clock.ts";
export type { CookieKind, Cookies } from "./core/cookies.ts";
export type { AnyData, KeyOf } from "./core/data-keys.ts";
export type { DevelopmentWarnings } from "./core/development.ts";
export type { Duration } from "./core/duration.ts";
export { eventChannel } from "./core/events.ts";
export type { PublishedEvent, SessionEvent } from "./core/events.ts";
export type { Exchange, HandlerEnd, Settled } from "./core/exchange.ts";
export type { Flash, FlashFilter } from "./core/flash-queue.ts";
export { refusedResponse, unavailableResponse, withHeaders } from "./core/handle.ts";
export type { FetchHandler, HandleOptions } from "./core/handle.ts";
export type { Incoming } from "./core/incoming.ts";
export { generateSecret } from "./core/keyring.ts";
export type { Secret } from "./core/keyring.ts";
export type { Limits } from "./core/limits.ts";
export { loginDemand } from "./core/login-demand.ts";
export type { LoginDemand, LoginDemandOptions } from "./core/login-demand.ts";
export type { SessionsOptions } from "./core/options.ts";
export type { CrossOriginOptions } from "./core/origin-check.ts";
export type { FieldLimits, NewestFields } from "./core/field-limits.ts";
export { applyPatch, expiresAt } from "./core/record.ts";
export type { Fields, Patch, PatchOutcome, RecordColumns, SessionRecord } from "./core/record.ts";
export type { Rejection, RejectionReason } from "./core/rejection.ts";
export { applyHeaders } from "./core/response-headers.ts";
export type { ResponseHeaders } from "./core/response-headers.ts";
export { safeReturnPath } from "./core/return-path.ts";
export type { SessionInfo } from "./core/revocation.ts";
export type { SessionCookieOptions } from "./core/session-cookie.ts";
export type { Session } from "./core/session.ts";
export { createSessions } from "./core/sessions.ts";
export type { OpenOptions, Sessions } from "./core/sessions.ts";
export type { CookieAttributes, CookieScope } from "./core/set-cookie.ts";
export type { Awaitable } from "./core/awaitable.ts";
export type { Store } from "./core/store.ts";
export type { TimeoutOptions } from "./core/timeouts.ts";
export { CoatcheckError, ConfigError, LimitError, MisuseError, StoreError } from "./errors.ts";
export type {
  ConfigErrorCode,
  LimitErrorCode,
  MisuseErrorCode,
  StoreErrorCode,
  StoreOperation,
} from "./errors.ts";

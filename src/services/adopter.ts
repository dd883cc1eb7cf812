import type { VerifiedTicket } from "../crypto/ticket.ts";
import type { RequestLike } from "../http/request.ts";
import type { SessionRecord } from "../record/record.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { StoreClient } from "./store-client.ts";

/** Adopts visitors of the system before. Its code is in `coatcheck/adopt`, so only apps that use it load it. */
export interface Adopter {
  /** @returns `undefined` if the request has none of the old cookies, or their time is over. */
  begin(request: RequestLike, calls: StoreClient): RequestAdoption | undefined;
  /** Keeps old cookies that have not come yet from opening a session of this subject. @throws StoreError */
  refuseSubject(subject: string): MaybePromise<void>;
  /** @throws ConfigError SECRET_MISSING if a secret of the system before is missing. */
  assertPresent(): void;
}

/** The old cookies of one request. */
export interface RequestAdoption {
  /** The Set-Cookie headers that clear the old cookies of which nothing more can come. */
  readonly clearings: readonly string[];
  /**
   * Opens the session of the request's old cookie.
   *
   * @returns `undefined` if the visitor stays anonymous, as without an old cookie.
   * @throws StoreError; what the app's `take` throws or what is wrong with its result; ConfigError SECRET_MISSING.
   */
  adopt(): Promise<AdoptedSession | undefined>;
  /**
   * Makes the request's old cookies useless: for a login or a logout.
   *
   * @param current the id of the request's own session, which goes on or is ended by the caller.
   * @throws StoreError
   */
  retire(current: string | undefined): Promise<void>;
}

/** The session that belongs to an old cookie, as the store has it, and the ticket that opens it if it has not ended. */
export interface AdoptedSession {
  readonly record: SessionRecord | null;
  readonly ticket: VerifiedTicket;
}

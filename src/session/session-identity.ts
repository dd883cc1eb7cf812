import type { Context } from "../services/services.ts";
import type { LiveRecord } from "./record-handle.ts";
import type { Rejection } from "../services/rejection.ts";
import { endOf } from "../services/timeouts.ts";

/** Who a session is, and since when: what its record says beside the data. */
export class SessionIdentity {
  readonly #live: LiveRecord;
  readonly #context: Context;

  /** @internal */
  constructor(context: Context, live: LiveRecord) {
    this.#context = context;
    this.#live = live;
  }

  /** The record's public name, safe to log and to show; `undefined` while there is no record. */
  get id(): string | undefined {
    return this.#live.current?.id;
  }

  /** Who is logged in, or `undefined`. */
  get subject(): string | undefined {
    return this.#live.current?.subject ?? undefined;
  }

  /** Whether anybody is logged in. */
  get loggedIn(): boolean {
    return this.subject !== undefined;
  }

  /** Why the ticket that the request brought was not taken; `undefined` when it was, or there was none. */
  get rejection(): Rejection | undefined {
    return this.#live.rejection;
  }

  /**
   * Fires when this session ends: by logout, another login, revocation or expiry, here or in another
   * process, there within the hub's `watchInterval`. For WebSockets and event streams, to hang up.
   * Holding it does not keep the session alive. Already aborted where there is no session.
   */
  get signal(): AbortSignal {
    const record = this.#live.current;
    return record === null ? AbortSignal.abort() : this.#context.watch.signalOf(record);
  }

  /** When the record was created. */
  get createdAt(): Date | undefined {
    return toDate(this.#live.current?.createdAt);
  }

  /** When the subject logged in: for "log in again before you change your password" (ASVS 7.5.1). */
  get authenticatedAt(): Date | undefined {
    return toDate(this.#live.current?.authenticatedAt);
  }

  /** When the session was last used, up to a tenth of its idle timeout or a minute ago. */
  get lastSeenAt(): Date | undefined {
    return toDate(this.#live.current?.lastSeenAt);
  }

  /** When the session ends unless it is used again. */
  get expiresAt(): Date | undefined {
    const record = this.#live.current;
    return record === null ? undefined : toDate(endOf(record, this.#context.timeouts));
  }
}

function toDate(time: number | null | undefined): Date | undefined {
  return time === null || time === undefined ? undefined : new Date(time);
}

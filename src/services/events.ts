import { channel } from "node:diagnostics_channel";
import type { Channel } from "node:diagnostics_channel";
import type { StoreErrorCode, StoreOperation } from "../errors.ts";
import type { OutageCause } from "./outage-notice.ts";
import type { RejectionReason } from "./rejection.ts";

/**
 * What happened to sessions, for logs, metrics and alarms (ASVS 16.3). No event carries a ticket, a
 * key, a cookie's value or session data. An `id` is a record's public name and gives no access.
 */
export type SessionEvent =
  | { readonly type: "created"; readonly id: string }
  | { readonly type: "login"; readonly id: string; readonly subject: string }
  /** `subject` is who was logged in; `null` if nobody was. */
  | { readonly type: "logout"; readonly id: string; readonly subject: string | null }
  | { readonly type: "rotated"; readonly id: string }
  | { readonly type: "revoked"; readonly id: string; readonly subject: string | null }
  /** Fields were sealed, or the ticket was signed, again with the newest key. */
  | { readonly type: "resealed"; readonly id: string }
  /** A ticket was rejected. `"superseded"` long after a rotation may mean a stolen cookie. */
  | { readonly type: "rejected"; readonly reason: RejectionReason; readonly id?: string }
  /**
   * The changes of a request were dropped, because its session had ended meanwhile or its client went away before
   * the response began.
   */
  | { readonly type: "write-dropped"; readonly reason: "ended" | "client-left"; readonly id?: string }
  /** `count` waiting messages were dropped to make room for newer ones: `limits.flashes`. */
  | { readonly type: "flashes-dropped"; readonly id: string; readonly count: number }
  /** A field could not be unsealed or decoded; it counts as absent. */
  | { readonly type: "field-unreadable"; readonly id: string; readonly field: string }
  | { readonly type: "cross-origin-refused"; readonly method: string }
  /** A visitor of the system before goes on in this new session (`adopt`). `from` names the system. */
  | {
      readonly type: "adopted";
      readonly id: string;
      readonly subject: string | null;
      readonly from: string;
    }
  /** An old cookie opened nothing. */
  | { readonly type: "adoption-refused"; readonly from: string; readonly reason: AdoptionRefusal }
  /**
   * The old record could not be read or removed, or the app's `take` threw. `cause` is the error's name and code,
   * without its message.
   */
  | {
      readonly type: "adoption-failed";
      readonly from: string;
      readonly step: "read" | "take" | "remove";
      readonly cause?: OutageCause;
    }
  /**
   * A store call failed after `milliseconds`. `cause` is the name and code of the driver's error, without its
   * message.
   */
  | {
      readonly type: "store-failed";
      readonly operation: StoreOperation;
      readonly code: StoreErrorCode;
      readonly milliseconds: number;
      readonly cause?: OutageCause;
    }
  | { readonly type: "swept"; readonly deleted: number };

/**
 * Why an old cookie opened nothing:
 * - `invalid`: it does not have the right form, or no secret fits.
 * - `expired`: its time is over, or its record is gone or can't be read.
 * - `ambiguous`: the request contains two different good ones.
 * - `used`: it was used before, and its session has ended, has a newer ticket, or was ended for all of its subject.
 */
export type AdoptionRefusal = "invalid" | "expired" | "ambiguous" | "used";

/**
 * An event as subscribers get it, with the session cookie's name to tell several `sessions` objects of a process
 * apart.
 */
export type PublishedEvent = SessionEvent & { readonly cookie: string };

/** The name of the `node:diagnostics_channel` that carries {@link PublishedEvent}s. */
export const eventChannel = "coatcheck";

const events = channel(eventChannel);

/** Publishes the events of one `sessions` object. Costs almost nothing without subscribers. */
export interface Events {
  /** Look at its `hasSubscribers` before you compute something for an event. */
  readonly channel: Channel;
  emit(event: SessionEvent): void;
}

/** @param cookie the session cookie's name. */
export function createEvents(cookie: string): Events {
  return {
    channel: events,
    emit(event) {
      if (events.hasSubscribers) events.publish({ ...event, cookie } satisfies PublishedEvent);
    },
  };
}

import { channel } from "node:diagnostics_channel";
import type { Channel } from "node:diagnostics_channel";
import type { StoreErrorCode, StoreOperation } from "../errors.ts";
import type { Cause } from "./outage-notice.ts";
import type { RejectionReason } from "./rejection.ts";

/**
 * What happened to sessions, for logs, metrics and alarms (ASVS 16.3). No event carries a ticket, a
 * key, a cookie's value or session data; an `id` is a record's public name and opens nothing.
 */
export type SessionEvent =
  | { readonly type: "created"; readonly id: string }
  | { readonly type: "login"; readonly id: string; readonly subject: string }
  /** `subject` is who was logged in, `null` for nobody. */
  | { readonly type: "logout"; readonly id: string; readonly subject: string | null }
  | { readonly type: "rotated"; readonly id: string }
  | { readonly type: "revoked"; readonly id: string; readonly subject: string | null }
  /** Fields or a ticket of an older key were sealed again with the newest. */
  | { readonly type: "resealed"; readonly id: string }
  /** A ticket was not taken. `"superseded"` long after a rotation may be a stolen cookie. */
  | { readonly type: "rejected"; readonly reason: RejectionReason; readonly id?: string }
  /**
   * What a request wanted to write was dropped: its session had ended meanwhile, or its client went away before the
   * response began.
   */
  | { readonly type: "write-dropped"; readonly reason: "ended" | "client-left"; readonly id?: string }
  /** So many waiting messages made room for newer ones: `limits.flashes`. */
  | { readonly type: "flashes-dropped"; readonly id: string; readonly count: number }
  /** A field could not be unsealed or decoded; it reads as absent. */
  | { readonly type: "field-unreadable"; readonly id: string; readonly field: string }
  | { readonly type: "cross-origin-refused"; readonly method: string }
  /** A call of the store failed after so long; `cause` is what its driver said, without the words. */
  | {
      readonly type: "store-failed";
      readonly operation: StoreOperation;
      readonly code: StoreErrorCode;
      readonly milliseconds: number;
      readonly cause?: Cause;
    }
  | { readonly type: "swept"; readonly deleted: number };

/** An event as subscribers get it: with the cookie's name, which tells the hubs of a process apart. */
export type PublishedEvent = SessionEvent & { readonly cookie: string };

/** The name of the `node:diagnostics_channel` that carries {@link PublishedEvent}s. */
export const eventChannel = "coatcheck";

const events = channel(eventChannel);

/** Publishes the events of one hub; costs next to nothing while nobody subscribes. */
export interface Events {
  /** Look at its `hasSubscribers` before you compute something for an event. */
  readonly channel: Channel;
  emit(event: SessionEvent): void;
}

/** The events of the hub whose session cookie has this name. */
export function createEvents(cookie: string): Events {
  return {
    channel: events,
    emit(event) {
      if (events.hasSubscribers) events.publish({ ...event, cookie } satisfies PublishedEvent);
    },
  };
}

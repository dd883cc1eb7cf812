import { andThen } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Clock } from "../runtime/clock.ts";
import { ignoringStoreErrors } from "../services/store-client.ts";
import type { SessionRecord } from "../record/record.ts";
import type { StoreClient } from "../services/store-client.ts";
import { verifiersEqual } from "../crypto/ticket.ts";
import type { Ticket } from "../crypto/ticket.ts";

/**
 * What a response does with the session cookie: nothing, unless its own request did something that the store
 * acknowledged.
 */
export type CookieAction =
  | { readonly kind: "none" }
  | { readonly kind: "send"; readonly ticket: Ticket; readonly permanent: boolean; readonly deadline: number }
  | { readonly kind: "clear" };

/** What must still be true in the store when the cookie is sent. */
interface Claim {
  readonly id: string;
  /** The verifier of the issued ticket, or `revokedVerifier` if the session was ended. */
  readonly verifier: Uint8Array;
  /**
   * When that was written; `undefined` for a login's ticket, which is not withdrawn for a later login in another
   * record.
   */
  readonly ticketAt: number | undefined;
  /** When the store acknowledged or last confirmed it. */
  readonly since: number;
}

/**
 * For how long a claim is not checked again, in milliseconds. What another request does within this time could
 * just as well happen while the response is on its way, and most logins respond sooner.
 */
const unquestionedFor = 10;

/** What one response does with the session cookie, and whether that is still right when the response is sent. */
export class PendingCookie {
  readonly #clock: Clock;
  #kind: "none" | "send" | "clear" = "none";
  #claim: Claim | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get kind(): "none" | "send" | "clear" {
    return this.#kind;
  }

  send(): void {
    this.#kind = "send";
  }

  clear(): void {
    this.#kind = "clear";
  }

  /** Leaves the cookie to another request. */
  withdraw(): void {
    this.#kind = "none";
  }

  /** Notes what the store has acknowledged for this cookie. @param ticketAt `undefined` for a login's ticket. */
  claim({ id, verifier }: Pick<SessionRecord, "id" | "verifier">, ticketAt: number | undefined): void {
    this.#claim = { id, verifier, ticketAt, since: this.#clock.now() };
  }

  /** Whether the acknowledgement is so old that the store must be asked again. */
  get needsConfirmation(): boolean {
    return (
      this.#claim !== undefined &&
      this.#kind !== "none" &&
      this.#clock.now() - this.#claim.since >= unquestionedFor
    );
  }

  /**
   * Asks the store again if that is due, so that a slow page does not replace or clear a newer cookie. If the store
   * does not answer, a new ticket is still sent, because a login must not be lost; an old one is not cleared, which
   * is harmless because it is no longer valid.
   *
   * @returns `false` if the cookie was left to another request.
   */
  confirm(calls: StoreClient): MaybePromise<boolean> {
    const claim = this.#claim;
    if (claim === undefined || !this.needsConfirmation) return true;
    return andThen(
      ignoringStoreErrors(() => calls.read(claim.id, true)),
      (record) => {
        const holds = record === undefined ? this.#kind === "send" : stillHolds(claim, record);
        if (holds) this.#claim = { ...claim, since: this.#clock.now() };
        else this.withdraw();
        return holds;
      },
    );
  }
}

function stillHolds({ verifier, ticketAt }: Claim, record: SessionRecord | null): boolean {
  return (
    record !== null &&
    verifiersEqual(record.verifier, verifier) &&
    (ticketAt === undefined || record.ticketAt === ticketAt)
  );
}

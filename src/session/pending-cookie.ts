import { andThen } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Clock } from "../runtime/clock.ts";
import { ignoringStoreErrors } from "../services/store-client.ts";
import type { SessionRecord } from "../record/record.ts";
import type { StoreClient } from "../services/store-client.ts";
import { verifiersEqual } from "../crypto/ticket.ts";

/** What must still be so in the store when the cookie leaves. */
interface Claim {
  readonly id: string;
  /** What the record is bound to: the ticket that was given out, or nobody's where the session was ended. */
  readonly verifier: Uint8Array;
  /** When that was written; `undefined` for a login's ticket, which makes way for none of another record. */
  readonly ticketAt: number | undefined;
  /** When the store acknowledged it, or last said that it still is so. */
  readonly since: number;
}

/**
 * For how long a claim needs no second look, in milliseconds: what another request does within it may as
 * well be done when the response is on its way, and most logins answer sooner.
 */
const unquestionedFor = 10;

/** What is to become of the session cookie with one response, and whether that is still right when it leaves. */
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

  /** Leaves the cookie to another request, whose counts. */
  withdraw(): void {
    this.#kind = "none";
  }

  /** The store has acknowledged what the cookie is about. @param ticketAt `undefined` for a login's ticket. */
  claim({ id, verifier }: Pick<SessionRecord, "id" | "verifier">, ticketAt: number | undefined): void {
    this.#claim = { id, verifier, ticketAt, since: this.#clock.now() };
  }

  /** Whether it is so long since the acknowledgement that the store has to be asked again. */
  get needsConfirmation(): boolean {
    return (
      this.#claim !== undefined &&
      this.#kind !== "none" &&
      this.#clock.now() - this.#claim.since >= unquestionedFor
    );
  }

  /**
   * Asks the store again where that is due, so that a slow page sets or clears no cookie over a newer one.
   * Where it does not answer, no login must be lost for that, and a dead ticket that stays opens nothing.
   *
   * @returns `false` when the cookie was left to another request.
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

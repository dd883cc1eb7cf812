import type { ProtectedValues } from "../cookies/protected-values.ts";
import type { SessionCookie } from "../cookies/session-cookie.ts";
import type { Keyring } from "../crypto/keyring.ts";
import type { TicketSigner } from "../crypto/ticket.ts";
import type { CrossOriginCheck } from "../http/cross-origin.ts";
import type { Clock } from "../runtime/clock.ts";
import type { KeyedQueue } from "../runtime/keyed-queue.ts";
import type { Adopter } from "./adopter.ts";
import type { DevelopmentAdvice } from "./development-warnings.ts";
import type { EndWatcher } from "./end-watcher.ts";
import type { Events } from "./events.ts";
import type { FieldCodec } from "./field-codec.ts";
import type { Limits } from "./limits.ts";
import type { StoreClient } from "./store-client.ts";
import type { Sweeper } from "./sweeper.ts";
import type { Timeouts } from "./timeouts.ts";

/** What all requests of one `sessions` object share. */
export interface Services {
  /** Adopts visitors of the system before; `undefined` if the app does not use `adopt`. */
  readonly adopter: Adopter | undefined;
  /** Warns a developer about what browsers do silently; `undefined` if all warnings are off. */
  readonly advice: DevelopmentAdvice | undefined;
  readonly clock: Clock;
  readonly codec: FieldCodec;
  readonly cookie: SessionCookie;
  readonly crossOrigin: CrossOriginCheck;
  readonly endWatcher: EndWatcher;
  readonly events: Events;
  readonly keyring: Keyring;
  readonly limits: Limits;
  readonly protectedValues: ProtectedValues;
  /** The updates of this process, one at a time for each record id where requests can wait for each other. */
  readonly updates: KeyedQueue;
  readonly store: StoreClient;
  readonly sweeper: Sweeper;
  readonly tickets: TicketSigner;
  readonly timeouts: Timeouts;
}

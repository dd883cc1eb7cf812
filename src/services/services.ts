import type { Clock } from "../runtime/clock.ts";
import type { Advice } from "./development-warnings.ts";
import type { Events } from "./events.ts";
import type { FieldCodec } from "./field-codec.ts";
import type { Keyring } from "../crypto/keyring.ts";
import type { Limits } from "./limits.ts";
import type { SessionWatch } from "./end-watcher.ts";
import type { StoreCalls } from "./store-client.ts";
import type { TicketOffice } from "../crypto/ticket.ts";
import type { Timeouts } from "./timeouts.ts";
import type { Turns } from "../runtime/keyed-queue.ts";

/** What the requests of one hub share. */
export interface Context {
  /** Told what a developer should hear of; `undefined` in production. */
  readonly advice: Advice | undefined;
  readonly clock: Clock;
  readonly calls: StoreCalls;
  readonly codec: FieldCodec;
  readonly events: Events;
  readonly keyring: Keyring;
  readonly limits: Limits;
  readonly office: TicketOffice;
  readonly timeouts: Timeouts;
  /** The turns of `update`, by record id. */
  readonly turns: Turns;
  readonly watch: SessionWatch;
  /** Called after a record was created: the moment to think of sweeping. */
  onCreated(): void;
}

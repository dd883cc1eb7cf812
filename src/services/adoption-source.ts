import type { Adopter } from "./adopter.ts";
import type { Services } from "./services.ts";

/** A system whose visitors keep their login. `coatcheck/adopt` makes them: `fromExpressSession` and others. */
export interface AdoptionSource {
  /** The system's name in events and messages, such as `"express-session"`. */
  readonly from: string;
  /**
   * @internal Returns what adopts the visitors of all these sources, so that `createSessions` need not import it;
   *   `undefined` if the time of all of them is over.
   * @throws ConfigError CONFIG_INVALID
   */
  connect(sources: readonly AdoptionSource[], services: Services): Adopter | undefined;
}

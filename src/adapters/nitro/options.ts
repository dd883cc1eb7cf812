import type { StoreError } from "../../errors.ts";

/** The options of {@link nitroSessions}. */
export interface NitroSessionsOptions {
  /** Returns the response if the store fails when the session is needed. Default: a plain 503 with Retry-After. */
  readonly onUnavailable?: (error: StoreError) => Response | Promise<Response>;
  /** Returns the response to a request from another site that could change something. Default: a plain 403. */
  readonly onForbidden?: () => Response | Promise<Response>;
}

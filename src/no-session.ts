import { MisuseError } from "./errors.ts";

/** The error of a call with what no adapter has seen. */
export function noSessionOf(): MisuseError {
  return new MisuseError(
    "NO_SESSION_HERE",
    "This request has no session: put the sessions' adapter in front of its handler, and pass what the handler was given.",
  );
}

/** The error of a call where no request is being handled. */
export function noSessionHere(): MisuseError {
  return new MisuseError(
    "NO_SESSION_HERE",
    "No request is being handled here: put the sessions' adapter in front, or, in a callback that lost its request, call sessions.of(request).",
  );
}

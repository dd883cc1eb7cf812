import { MisuseError } from "../errors.ts";
import { isThenable } from "../runtime/maybe-promise.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { addsNothing } from "../http/response-headers.ts";
import { addHeadersTo } from "./write-head.ts";

type Respond = (...args: unknown[]) => unknown;

/** The methods that bypass the response of an HTTP/2 stream, with the index of their headers. */
const bypassing = { respond: 0, respondWithFD: 1, respondWithFile: 1 } as const;

/**
 * Adds the session's headers to what bypasses a response over HTTP/2: `response.stream.respond(...)`, or `write` and
 * `end` of the stream, which respond by themselves. This can't be buffered, so it is refused while changes of the
 * session or a head wait to be written.
 *
 * @param state `"untouched"` while nothing was written through the response, `"passthrough"` when the response itself writes.
 */
export function guardStream<Data extends object>(
  stream: object,
  exchange: Exchange<Data>,
  state: () => string,
): void {
  const isPassthrough = (): boolean =>
    state() === "passthrough" ||
    state() === "failed" ||
    // Node ends the stream itself when the client leaves.
    ["headersSent", "destroyed", "closed"].some((name) => Reflect.get(stream, name) === true);
  const assertNothingWaits = (name: string): void => {
    if (state() === "untouched" && !exchange.modified) return;
    throw new MisuseError(
      "RESPONSE_BYPASSED",
      `stream.${name}() responds at once, while a head or changes of the session wait to be written. Use the response's own methods.`,
    );
  };
  for (const name of ["write", "end"] as const) {
    const original: unknown = Reflect.get(stream, name);
    if (typeof original !== "function") continue;
    const write: Respond = (...args) => {
      if (!isPassthrough()) {
        assertNothingWaits(name);
        const respond: unknown = Reflect.get(stream, "respond");
        if (typeof respond === "function") Reflect.apply(respond, stream, [{}]);
      }
      return Reflect.apply(original, stream, args);
    };
    Reflect.set(stream, name, write);
  }
  for (const [name, at] of Object.entries(bypassing)) {
    const original: unknown = Reflect.get(stream, name);
    if (typeof original !== "function") continue;
    const respond: Respond = (...args) => {
      if (isPassthrough()) return Reflect.apply(original, stream, args);
      assertNothingWaits(name);
      const given: unknown = args[at];
      const own = typeof given === "object" && given !== null ? { ...given } : {};
      const committed = exchange.commit({ status: Number(Reflect.get(own, ":status") ?? 200) });
      // Only maintenance is not waited for, and it sends no cookie.
      if (!isThenable(committed) && !addsNothing(committed.headers)) {
        addHeadersTo(own, committed.headers);
        args[at] = own;
      }
      return Reflect.apply(original, stream, args);
    };
    Reflect.set(stream, name, respond);
  }
}

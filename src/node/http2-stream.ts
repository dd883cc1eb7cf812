import { MisuseError } from "../errors.ts";
import { isThenable } from "../runtime/maybe-promise.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { addsNothing } from "../http/response-headers.ts";
import { addHeadersTo } from "./write-head.ts";

type Respond = (...args: unknown[]) => unknown;

/** The methods by which an HTTP/2 stream is answered past its response, and which of their arguments has the headers. */
const responding = { respond: 0, respondWithFD: 1, respondWithFile: 1 } as const;

/**
 * Makes what answers an HTTP/2 stream past its response (`response.stream.respond(...)`, or `write` and `end`, which
 * respond by themselves) carry what the session makes a response carry. It can't be held: a change that still has to
 * be written is refused, and so is what would go past a head that waits.
 *
 * @param stage `"open"` while nothing was answered through the response, `"passing"` when the response itself answers.
 */
export function guardStream<Data extends object>(
  stream: object,
  exchange: Exchange<Data>,
  stage: () => string,
): void {
  const isThrough = (): boolean =>
    stage() === "passing" ||
    stage() === "answering" ||
    // Node ends a stream by itself when its client goes.
    ["headersSent", "destroyed", "closed"].some((name) => Reflect.get(stream, name) === true);
  const assertFree = (name: string): void => {
    if (stage() === "open" && !exchange.modified) return;
    throw new MisuseError(
      "RESPONSE_BYPASSED",
      `stream.${name}() answers at once, past a head or changes of the session that still wait: use the response's own methods.`,
    );
  };
  for (const name of ["write", "end"] as const) {
    const original: unknown = Reflect.get(stream, name);
    if (typeof original !== "function") continue;
    const write: Respond = (...args) => {
      if (!isThrough()) {
        assertFree(name);
        const respond: unknown = Reflect.get(stream, "respond");
        if (typeof respond === "function") Reflect.apply(respond, stream, [{}]);
      }
      return Reflect.apply(original, stream, args);
    };
    Reflect.set(stream, name, write);
  }
  for (const [name, at] of Object.entries(responding)) {
    const original: unknown = Reflect.get(stream, name);
    if (typeof original !== "function") continue;
    const respond: Respond = (...args) => {
      if (isThrough()) return Reflect.apply(original, stream, args);
      assertFree(name);
      const given: unknown = args[at];
      const own = typeof given === "object" && given !== null ? { ...given } : {};
      const settled = exchange.commit({ status: Number(Reflect.get(own, ":status") ?? 200) });
      // What is not waited for is upkeep alone, and carries no cookie.
      if (!isThenable(settled) && !addsNothing(settled.headers)) {
        addHeadersTo(own, settled.headers);
        args[at] = own;
      }
      return Reflect.apply(original, stream, args);
    };
    Reflect.set(stream, name, respond);
  }
}

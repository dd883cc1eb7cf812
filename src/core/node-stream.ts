import { MisuseError } from "../errors.ts";
import { isThenable } from "./awaitable.ts";
import type { Exchange } from "./exchange.ts";
import { isUntouched } from "./response-headers.ts";
import { addToRecord } from "./node-head.ts";

type Respond = (...args: unknown[]) => unknown;

/** The methods by which an HTTP/2 stream is answered past its response, and which of their arguments has the headers. */
const responding = { respond: 0, respondWithFD: 1, respondWithFile: 1 } as const;

/**
 * Makes what answers an HTTP/2 stream past its response (`response.stream.respond(...)`) carry what the session
 * makes a response carry. It can't be held: a change that still has to be written is refused.
 *
 * @param stage `"open"` while nothing was answered through the response, `"passing"` when the response itself answers.
 */
export function guardStream<Data extends object>(
  stream: object,
  exchange: Exchange<Data>,
  stage: () => string,
): void {
  for (const [name, at] of Object.entries(responding)) {
    const original: unknown = Reflect.get(stream, name);
    if (typeof original !== "function") continue;
    const respond: Respond = (...args) => {
      if (stage() === "passing" || stage() === "answering") return Reflect.apply(original, stream, args);
      if (stage() !== "open" || exchange.hasChanges) {
        throw new MisuseError(
          "RESPONSE_BYPASSED",
          `stream.${name}() answers at once, and the session still has changes to write: use response.writeHead() and response.end().`,
        );
      }
      const given: unknown = args[at];
      const own = typeof given === "object" && given !== null ? { ...given } : {};
      const settled = exchange.settle({ status: Number(Reflect.get(own, ":status") ?? 200) });
      // What is not waited for is upkeep alone, and carries no cookie.
      if (!isThenable(settled) && !isUntouched(settled.headers)) {
        addToRecord(own, settled.headers);
        args[at] = own;
      }
      return Reflect.apply(original, stream, args);
    };
    Reflect.set(stream, name, respond);
  }
}

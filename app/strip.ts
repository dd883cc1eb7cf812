import type { Context, MiddlewareHandler } from "hono";
import { measured } from "./measure.ts";
import type { StoreCall } from "./measure.ts";
import { keepNewest } from "./newest.ts";
import { calledBy, handlersOf } from "./sources.ts";
import type { Handler, Lines } from "./sources.ts";
import { STRIP_MARK, stripView } from "./views/strip.ts";
import type { Cost } from "./views/strip.ts";

/** Of how many sessions the cost of the last form is kept, until the page after it shows it. */
const MOST_FORMS = 500;

/**
 * Measures every page, and writes on it what it cost.
 *
 * It stands outside of `honoSessions`, which writes and sets its cookie when the handler has responded. So the page
 * is complete by then but for the strip, and every call and every header is counted that this response has.
 */
export function strips(): MiddlewareHandler {
  const forms = new Map<string, Cost>();
  return (c, next) =>
    measured(async (measurement) => {
      await next();
      const cost = costOf(c, measurement.calls);
      const { written, shown } = measurement;
      if (c.req.method === "POST" && c.res.status === 303 && written !== undefined) {
        keepNewest(forms, written, cost, MOST_FORMS);
      }
      if (c.res.headers.get("Content-Type")?.startsWith("text/html") !== true) return;
      const form = shown === undefined ? undefined : forms.get(shown);
      if (shown !== undefined) forms.delete(shown);
      const strip = String(await stripView({ cost, form, ...linesFor(cost, form) }));
      const text = (await c.res.text()).replace(STRIP_MARK, () => strip);
      const { status, headers } = c.res;
      // Cleared first, since Hono merges the headers of the current response into its replacement.
      c.res = undefined;
      c.res = new Response(text, { status, headers });
    });
}

/** The handlers that ran, for the form and for the page, with what they call, and the other forms of the page. */
function linesFor({ method, path }: Cost, form: Cost | undefined): { ran: Lines[]; forms: Lines[] } {
  const isHere = (handler: Handler) => handler.method === method;
  const ofForm = form === undefined ? [] : handlersOf(form.path).filter((one) => one.method === form.method);
  const ran = withCalled([...ofForm, ...handlersOf(path).filter(isHere)]);
  const forms = handlersOf(path).filter((handler) => !isHere(handler));
  return { ran, forms: withCalled(forms).filter((lines) => !ran.includes(lines)) };
}

function withCalled(handlers: readonly Lines[]): Lines[] {
  return [...new Set([...handlers, ...handlers.flatMap(calledBy)])];
}

function costOf(c: Context, calls: readonly StoreCall[]): Cost {
  const { headers, status } = c.res;
  return {
    method: c.req.method,
    path: c.req.path,
    status,
    calls: [...calls],
    cookies: headers.getSetCookie().map((line) => {
      const [, name = "", attributes = ""] = /^([^=;]*)=[^;]*(.*)$/.exec(line) ?? [];
      // Never the value: a strip on a page would undo HttpOnly.
      return { name, attributes: attributes.replace(/^; */, "") };
    }),
    cacheControl: headers.get("Cache-Control") ?? undefined,
    vary: headers.get("Vary") ?? undefined,
  };
}

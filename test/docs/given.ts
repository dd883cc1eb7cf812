import assert from "node:assert/strict";
import { inspect } from "node:util";
import { createSessions } from "coatcheck";
import type { Cookies, Session, Sessions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";

// What the examples in the pages find in place. See blocks.ts.

/** What the sessions of the examples hold. */
interface Data {
  user: string;
  cart: string[];
  visits: number;
  theme: string;
  lastOrder: { at: Date; total: bigint };
}

/** What is in scope inside a `ts handler` block. */
interface Given {
  readonly session: Session<Data>;
  readonly sessions: Sessions<Data>;
  readonly cookies: Cookies;
  readonly request: Request;
}

/** Runs a `ts handler` block as the handler of a visitor's first request. */
export async function handler(body: (given: Given) => Promise<Response | void>): Promise<void> {
  const sessions = createSessions<Data>({
    secret: process.env["SESSION_SECRET"] ?? "",
    store: memoryStore(),
  });
  let failure: unknown;
  await sessions.handle(
    new Request("https://example.com/"),
    async (request) => {
      const given = {
        session: await sessions.of(request),
        sessions,
        cookies: sessions.cookies(request),
        request,
      };
      return (await body(given)) ?? new Response("");
    },
    {
      onError: (error) => {
        failure = error;
        return new Response(null, { status: 500 });
      },
    },
  );
  if (failure !== undefined) throw failure; // oxlint-disable-line typescript/only-throw-error -- passed on as it came
}

/** `expression; // => value` */
export function check(actual: unknown, expected: unknown, where: string): void {
  hold(() =>
    assert.deepEqual(actual, expected, `${where} is ${show(actual)}, and the page says ${show(expected)}`),
  );
}

/** `call; // throws CODE` */
export async function fails(call: () => Promise<void>, code: string, where: string): Promise<void> {
  let thrown: unknown;
  try {
    await call();
  } catch (error) {
    thrown = error;
  }
  const found = thrown instanceof Error && "code" in thrown ? thrown.code : show(thrown);
  hold(() => assert.equal(found, code, `${where} throws ${String(found)}, and the page says ${code}`));
}

/** Fails the run for good, also where the example stands in a handler whose errors become a 500. */
function hold(assertion: () => void): void {
  try {
    assertion();
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
    throw error;
  }
}

function show(value: unknown): string {
  return inspect(value, { breakLength: Infinity });
}

import type { TestContext } from "node:test";
import type { TestSite } from "./test-site.ts";
import type { Visitor } from "./visitor.ts";

/** An event stream that a test reads, as a browser's EventSource does. */
export interface EventStream {
  readonly status: number;
  readonly headers: Headers;
  /** Waits for the next event; `undefined` if the stream has ended. */
  next(): Promise<{ event: string; data: string } | undefined>;
  /** Hangs up, as a browser does that leaves the page. */
  leave(): void;
}

/** Opens an event stream with a visitor's cookies. It is closed when the test ends. */
export async function openStream(
  t: TestContext,
  site: TestSite,
  visitor: Visitor,
  path: string,
): Promise<EventStream> {
  const aborter = new AbortController();
  t.after(() => aborter.abort());
  const cookie = [...visitor.jar].map(([name, { value }]) => `${name}=${value}`).join("; ");
  const response = await fetch(new URL(path, site.url), {
    headers: { Cookie: cookie },
    signal: aborter.signal,
  });
  const events = eventsOf(response);
  return {
    status: response.status,
    headers: response.headers,
    next: async () => (await events.next()).value ?? undefined,
    leave: () => aborter.abort(),
  };
}

async function* eventsOf(response: Response): AsyncGenerator<{ event: string; data: string }, undefined> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece as Uint8Array, { stream: true });
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const values = (name: string) =>
        lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
      const [event] = values("event");
      if (event !== undefined) yield { event, data: values("data").join("\n") };
    }
  }
  return undefined;
}

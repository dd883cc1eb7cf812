/** Sends an event to a browser: its name, and text of any number of lines. */
export type Send = (event: string, data: string) => void;

/** How many streams one visitor may hold open, and all together. A browser has only six connections to a host. */
const MOST_EACH = 4;
const MOST = 500;

/** How many events may wait for a browser that does not read them. */
const MOST_WAITING = 64;

/** How often a line is sent that means nothing, so that a connection that died silently is noticed. */
const HEARTBEAT_MS = 25_000;

type Open = { owner: string; beat: () => void; end: () => void };

/** The event streams that are open (`text/event-stream`). */
export class Streams {
  readonly #open = new Set<Open>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  constructor() {
    this.#timer = setInterval(() => {
      for (const stream of this.#open) stream.beat();
    }, HEARTBEAT_MS);
    this.#timer.unref();
  }

  /** How many streams are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Responds with a stream. `begin` gets how to send and how to end it, and returns what to do when it is over.
   * Beyond the limits the response is a 429 or a 503, after which an EventSource does not try again.
   */
  respond(owner: string, begin: (send: Send, end: () => void) => () => void): Response {
    const own = [...this.#open].filter((stream) => stream.owner === owner).length;
    if (own >= MOST_EACH) return refusal(429);
    if (this.#isClosed || this.#open.size >= MOST) return refusal(503);
    const encoder = new TextEncoder();
    let stop = (): void => {};
    let stream: Open;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const finish = (): void => {
            if (!this.#open.delete(stream)) return;
            stop();
            controller.close();
          };
          const write = (text: string): void => {
            if (!this.#open.has(stream)) return;
            if ((controller.desiredSize ?? 0) <= 0) finish();
            else controller.enqueue(encoder.encode(text));
          };
          stream = { owner, beat: () => write(":\n\n"), end: finish };
          this.#open.add(stream);
          stop = begin((event, data) => {
            const lines = data.split("\n").map((line) => `data: ${line}\n`);
            write(`event: ${event}\n${lines.join("")}\n`);
          }, finish);
          if (!this.#open.has(stream)) stop();
        },
        cancel: () => {
          if (this.#open.delete(stream)) stop();
        },
      },
      { highWaterMark: MOST_WAITING },
    );
    return new Response(body, {
      headers: {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-store",
        // nginx would collect events until its buffer is full.
        "X-Accel-Buffering": "no",
      },
    });
  }

  /** Ends all streams, and opens no more: a server that stops would wait for them. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const stream of this.#open) stream.end();
  }
}

function refusal(status: number): Response {
  return new Response(null, { status, headers: { "Cache-Control": "no-store", "Retry-After": "5" } });
}

import { createConnection, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

/**
 * Stands in front of a database and counts round trips, whatever is spoken: each time something is asked
 * after something was answered, on the same connection.
 */
export class CountingProxy {
  /** The database's address, through this. */
  readonly url: string;
  #count = 0;
  readonly #server: Server;

  private constructor(server: Server, target: URL, sockets: (count: () => void) => void) {
    const through = new URL(target);
    through.port = String((server.address() as AddressInfo).port);
    through.hostname = "127.0.0.1";
    this.url = through.href;
    this.#server = server;
    sockets(() => {
      this.#count++;
    });
  }

  static async open(url: string, defaultPort: number): Promise<CountingProxy> {
    const target = new URL(url);
    let count: () => void = () => {};
    const server = createServer((asking) => {
      const answering = createConnection(Number(target.port || defaultPort), target.hostname);
      let isAnswered = true;
      asking.on("data", () => {
        if (isAnswered) count();
        isAnswered = false;
      });
      answering.on("data", () => {
        isAnswered = true;
      });
      join(asking, answering);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return new CountingProxy(server, target, (counted) => {
      count = counted;
    });
  }

  /** How often there and back, since the last time this was asked. */
  take(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  close(): void {
    this.#server.close();
  }
}

function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.setNoDelay(true);
  }
}

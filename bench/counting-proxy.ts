import { createConnection, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

/**
 * A proxy for a database that counts round trips in any protocol: each time data is sent on a connection after
 * data was received on it.
 */
export class CountingProxy {
  /** The database's address through this proxy. */
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

  /** Returns the number of round trips since the last call. */
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

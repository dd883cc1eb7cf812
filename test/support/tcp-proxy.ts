import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

/** The way that bytes go through a proxy. */
export type Direction = "toServer" | "toClient";

/**
 * Stands between a client and a server, and cuts the wire, one way or both. As on a real network,
 * neither end is told: what was sent waits on the way, and arrives when the wire is mended.
 */
export class TcpProxy {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  /** The server's port, on 127.0.0.1; another one counts for connections to come, as an address that moves does. */
  target: number;
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  readonly #cut: Record<Direction, boolean> = { toServer: false, toClient: false };

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => {
      const line = new Line(
        client,
        connect({ port: this.target, host: "127.0.0.1", allowHalfOpen: true }),
        this.#cut,
      );
      this.#lines.add(line);
      line.onEnd = () => this.#lines.delete(line);
    });
  }

  /** @param target the server's port, on 127.0.0.1. */
  static async start(target: number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TcpProxy(server, target);
  }

  /** How many connections go through. */
  get connections(): number {
    return this.#lines.size;
  }

  /** From now on nothing arrives at that end. */
  cut(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#cut[direction] = true;
  }

  /** What waited on the way arrives, and everything after it. */
  mend(): void {
    this.#cut.toServer = this.#cut.toClient = false;
    for (const line of this.#lines) line.flush();
  }

  /** As a router that has lost its memory: from now on nothing arrives on these connections, and nobody is told. */
  forget(): void {
    for (const line of this.#lines) line.isLost = true;
  }

  /** Breaks every connection: both ends are told. */
  reset(): void {
    for (const line of this.#lines) line.destroy();
  }

  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** One connection: a socket for each end, and what is on its way to them. */
class Line {
  onEnd: () => void = () => {};
  isLost = false;
  readonly #ends: Readonly<Record<Direction, Socket>>;
  readonly #held: Record<Direction, Buffer[]> = { toServer: [], toClient: [] };
  readonly #ended: Record<Direction, boolean> = { toServer: false, toClient: false };
  readonly #cut: Readonly<Record<Direction, boolean>>;

  constructor(client: Socket, server: Socket, cut: Readonly<Record<Direction, boolean>>) {
    this.#ends = { toServer: server, toClient: client };
    this.#cut = cut;
    this.#listen("toServer", client);
    this.#listen("toClient", server);
  }

  flush(): void {
    if (this.isLost) return;
    for (const direction of ["toServer", "toClient"] as const) {
      if (this.#cut[direction]) continue;
      const end = this.#ends[direction];
      for (const bytes of this.#held[direction].splice(0)) if (!end.destroyed) end.write(bytes);
      if (this.#ended[direction]) end.end();
    }
  }

  destroy(): void {
    this.#ends.toServer.destroy();
    this.#ends.toClient.destroy();
    this.onEnd();
  }

  /** What comes from `source` goes `direction`; so does the news that nothing more comes. */
  #listen(direction: Direction, source: Socket): void {
    source.setNoDelay(true);
    source.on("data", (bytes: Buffer) => {
      this.#held[direction].push(bytes);
      this.flush();
    });
    source.on("error", () => {});
    source.on("close", () => {
      this.#ended[direction] = true;
      this.flush();
      if (this.#ends.toServer.destroyed && this.#ends.toClient.destroyed) this.onEnd();
    });
    source.on("end", () => {
      this.#ended[direction] = true;
      this.flush();
    });
  }
}

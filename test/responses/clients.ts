import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { noAnswer, readAnswer } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { isHttp2 } from "./program.ts";
import type { Program } from "./program.ts";

/** Somebody who sends a request, and later perhaps a second one on the same connection. */
export interface Client {
  /** Whether the answer is whole, or its connection gone. */
  readonly isDone: boolean;
  /** What was received for the first request. */
  answer(): Answer;
  /** Bytes behind the answer that belong to none. */
  leftOver(): number;
  /** Reads on, for clients that wait before they do. */
  wake(): void;
  leave(): void;
  close(): void;
  /** Sends `GET /again` on the same connection; `undefined` where it is gone. */
  again(): boolean;
  /** What was received for it. */
  answerAgain(): Answer;
  readonly isDoneAgain: boolean;
}

export interface ClientOptions {
  readonly program: Program;
  readonly port: number;
  readonly cookie: string | undefined;
  /** Called whenever something arrives. */
  readonly onArrival: () => void;
}

export function clientOf(options: ClientOptions): Client {
  return isHttp2(options.program) ? new Http2Client(options) : new Http1Client(options);
}

class Http1Client implements Client {
  readonly #program: Program;
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #hasEnded = false;
  #firstUsed: number | undefined;
  #isPaused = false;

  constructor({ program, port, cookie, onArrival }: ClientOptions) {
    this.#program = program;
    const lines = [
      `${program.method} / HTTP/${program.version}`,
      "Host: localhost",
      ...(program.encodings === undefined ? [] : [`Accept-Encoding: ${program.encodings}`]),
      ...(cookie === undefined ? [] : [`Cookie: ${cookie}`]),
      ...(program.method === "POST" ? ["Content-Length: 4"] : []),
    ];
    const socket = connect({ port, host: "127.0.0.1" });
    this.#socket = socket;
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      this.#parts.push(chunk);
      if (program.client === "leaves at the first byte") this.leave();
      onArrival();
    });
    const ended = (): void => {
      this.#hasEnded = true;
      onArrival();
    };
    socket.on("end", ended);
    socket.on("close", ended);
    if (program.client === "reads slowly") {
      this.#isPaused = true;
      socket.pause();
    }
    socket.write(`${lines.join("\r\n")}\r\n\r\n${program.method === "POST" ? "body" : ""}`);
  }

  get isDone(): boolean {
    return this.#hasEnded || ["whole", "malformed"].includes(this.answer().state);
  }

  answer(): Answer {
    return readAnswer(this.#all().subarray(0, this.#firstUsed), this.#program.method, this.#hasEnded).answer;
  }

  leftOver(): number {
    if (this.#firstUsed !== undefined) return 0;
    const all = this.#all();
    return all.length - readAnswer(all, this.#program.method, this.#hasEnded).used;
  }

  wake(): void {
    if (this.#isPaused) this.#socket.resume();
    this.#isPaused = false;
  }

  leave(): void {
    this.#socket.destroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  again(): boolean {
    if (this.#hasEnded || !this.answer().mayStay) return false;
    this.#firstUsed = this.#all().length;
    this.#socket.write("GET /again HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    return true;
  }

  answerAgain(): Answer {
    return readAnswer(this.#all().subarray(this.#firstUsed), "GET", this.#hasEnded).answer;
  }

  get isDoneAgain(): boolean {
    return this.#hasEnded || this.answerAgain().state === "whole";
  }

  #all(): Buffer {
    if (this.#parts.length > 0) {
      this.#bytes = Buffer.concat([this.#bytes, ...this.#parts]);
      this.#parts = [];
    }
    return this.#bytes;
  }
}

/** What arrives on one stream. */
class Received {
  readonly #answer = noAnswer();
  readonly #parts: Buffer[] = [];
  isDone = false;

  constructor(stream: ClientHttp2Stream, onArrival: () => void) {
    const answer = this.#answer;
    stream.on("headers", (fields) => {
      answer.infos.push(
        fieldsOf(fields)
          .map((pair) => pair.join("="))
          .join(" "),
      );
      onArrival();
    });
    stream.on("response", (fields) => {
      answer.status = Number(fields[":status"]);
      answer.headers = fieldsOf(fields).filter(([name]) => name !== ":status");
      answer.state = "open";
      onArrival();
    });
    stream.on("trailers", (fields) => void (answer.trailers = fieldsOf(fields)));
    stream.on("data", (chunk: Buffer) => {
      this.#parts.push(chunk);
      onArrival();
    });
    stream.on("error", () => undefined);
    stream.on("close", () => {
      if (answer.state === "open")
        answer.state = stream.rstCode === 0 && stream.readableEnded ? "whole" : "cut";
      this.isDone = true;
      onArrival();
    });
  }

  get answer(): Answer {
    return { ...this.#answer, body: Buffer.concat(this.#parts), mayStay: true };
  }
}

class Http2Client implements Client {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #received: Received;
  readonly #onArrival: () => void;
  #again: Received | undefined;
  #isPaused = false;

  constructor({ program, port, cookie, onArrival }: ClientOptions) {
    const { method, encodings, client } = program;
    this.#onArrival = onArrival;
    this.#session = connectHttp2(`http://127.0.0.1:${port}`);
    this.#session.on("error", () => undefined);
    const stream = this.#session.request(
      {
        ":path": "/",
        ":method": method,
        ":authority": "localhost",
        ...(encodings === undefined ? {} : { "accept-encoding": encodings }),
        ...(cookie === undefined ? {} : { cookie }),
      },
      { endStream: method !== "POST" },
    );
    if (method === "POST") stream.end("body");
    this.#stream = stream;
    this.#received = new Received(stream, onArrival);
    if (client === "reads slowly") {
      this.#isPaused = true;
      stream.pause();
    }
    if (client === "leaves at the first byte") stream.on("response", () => this.leave());
  }

  get isDone(): boolean {
    return this.#received.isDone;
  }

  answer(): Answer {
    return this.#received.answer;
  }

  leftOver(): number {
    return 0;
  }

  wake(): void {
    if (this.#isPaused) this.#stream.resume();
    this.#isPaused = false;
  }

  leave(): void {
    this.#stream.close(8);
  }

  close(): void {
    this.#session.destroy();
  }

  again(): boolean {
    if (this.#session.destroyed || this.#session.closed) return false;
    const stream = this.#session.request({ ":path": "/again", ":authority": "localhost" });
    this.#again = new Received(stream, this.#onArrival);
    return true;
  }

  answerAgain(): Answer {
    return this.#again?.answer ?? noAnswer();
  }

  get isDoneAgain(): boolean {
    return this.#again?.isDone ?? true;
  }
}

function fieldsOf(fields: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(fields).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, String(value)]),
  );
}

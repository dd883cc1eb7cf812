import { Controller, Get, Query, StreamableFile } from "@nestjs/common";
import { MisuseError } from "coatcheck";
import type { Session } from "coatcheck";
import { Readable } from "node:stream";
import { CurrentSession } from "./sessions.js";
import type { Data } from "./sessions.js";

/** A page that is sent in parts. What it sets, it sets before the first one. */
@Controller()
export class StreamController {
  #goOn = (): void => {};

  @Get("stream")
  stream(@CurrentSession() session: Session<Data>, @Query("note") note = ""): StreamableFile {
    session.set("note", note);
    return new StreamableFile(Readable.from(this.#parts(session)), { type: "text/plain" });
  }

  @Get("stream-go-on")
  goOn(): string {
    this.#goOn();
    return "";
  }

  async *#parts(session: Session<Data>): AsyncGenerator<string> {
    const signal = new Promise<void>((resolve) => {
      this.#goOn = resolve;
    });
    yield "first ";
    await signal;
    try {
      session.set("note", "late");
      yield "kept";
    } catch (error) {
      yield error instanceof MisuseError ? error.code : "another error";
    }
  }
}

// Does the steps of a program, as the handler of a request.

import { createReadStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Session, Sessions } from "coatcheck";
import { isHttp2, streamOf } from "./program.ts";
import type { Program, SessionUse, Step } from "./program.ts";
import { codeOf, looksOf } from "./witness.ts";
import type { Witness } from "./witness.ts";

export interface Data {
  a: string;
}

export interface Stage {
  readonly program: Program;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of the server; where it has none, as if thrown. */
  readonly next: (error: unknown) => void;
  /** `undefined`: waits as long instead. */
  readonly sessions: Sessions<Data> | undefined;
  readonly storeTurns: number;
  readonly witness: Witness;
  readonly leave: () => void;
}

export async function turns(count: number): Promise<void> {
  if (count === 0) await undefined;
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve));
}

export class Late extends Error {
  override readonly name = "Late";
}

export async function perform(stage: Stage): Promise<void> {
  const { program, response, witness } = stage;
  for (const event of ["finish", "close", "drain", "error", "pipe", "unpipe"])
    response.on(event, (...args: unknown[]) => {
      witness.events.push(event === "error" ? `error ${codeOf(args[0])}` : event);
      witness.stir();
    });
  try {
    for (const step of program.steps) {
      const seen = { outcome: "under way", looks: undefined as ReturnType<typeof looksOf> | undefined };
      witness.steps.push(seen);
      try {
        const done = act(stage, step);
        const result = done instanceof Waiting ? await done.promise : done;
        seen.outcome = shown(result, response);
      } catch (error) {
        seen.outcome = `throws ${codeOf(error)}`;
        if (error instanceof Late) throw error;
      } finally {
        seen.looks = looksOf(response, isHttp2(program));
        witness.stir();
      }
    }
  } finally {
    witness.isHandlerDone = true;
    witness.stir();
  }
}

/** A step that is waited for; what is waited for without need would make turns of promises. */
class Waiting {
  readonly promise: Promise<unknown>;
  constructor(promise: Promise<unknown>) {
    this.promise = promise;
  }
}

function act(stage: Stage, step: Step): unknown {
  const { response, witness } = stage;
  switch (step.kind) {
    case "call": {
      // An informational response goes before the head; Node writes it wherever it is asked to.
      if (/^write(?:Continue|Processing|EarlyHints)$/.test(step.name) && response.headersSent) return "left out";
      const args = step.args.map(({ make }) => make(witness.callback));
      return Reflect.apply(Reflect.get(response, step.name) as () => unknown, response, args);
    }
    case "assign":
      Reflect.set(response, step.name, step.value.make(witness.callback));
      return undefined;
    case "write patiently":
      return new Waiting(writePatiently(response, step));
    case "pipe":
      if (step.how === "pipe") {
        streamOf(step.chunks).pipe(response);
        return undefined;
      }
      return new Waiting(pipeline(streamOf(step.chunks), response));
    case "send a file":
      if ("sendFile" in response) {
        const done = witness.callback();
        Reflect.apply(response.sendFile as () => unknown, response, [import.meta.filename, done]);
      } else createReadStream(import.meta.filename).pipe(response);
      return undefined;
    case "wait":
      return new Waiting(turns(step.turns));
    case "session": {
      const used = use(stage, step.use);
      if (step.isAwaited) return new Waiting(used);
      used.catch(() => undefined);
      return undefined;
    }
    case "fail":
      if (step.how === "throw") throw new Late("late");
      stage.next(new Late("late"));
      return undefined;
    case "destroy the socket":
      response.socket?.destroy();
      return undefined;
    case "leave":
      stage.leave();
      return undefined;
    case "respond by the stream": {
      const stream: unknown = Reflect.get(response, "stream");
      (stream as { respond: (headers: object) => void }).respond({ ":status": 200 });
      (stream as { end: (text: string) => void }).end("by the stream");
      return undefined;
    }
  }
}

async function writePatiently(
  response: ServerResponse,
  { chunk, times }: Step & { kind: "write patiently" },
): Promise<void> {
  for (let time = 0; time < times; time++) {
    if (response.write(chunk.make(() => () => {}))) continue;
    await new Promise<void>((resolve) => {
      response.on("drain", () => resolve());
      response.on("close", () => resolve());
    });
  }
}

async function use({ sessions, request, response, storeTurns, witness }: Stage, what: SessionUse): Promise<void> {
  if (sessions === undefined) {
    // A read, and for some a write.
    await turns(what === "own cookie" ? 0 : storeTurns);
    if (what === "login" || what === "logout") await turns(storeTurns);
    return;
  }
  witness.isTouched = true;
  const hadBegun = response.headersSent || response.writableEnded;
  if (!hadBegun) witness.owed.private = true;
  try {
    if (what === "own cookie") {
      sessions.cookies(request).set("own-plain", "1");
      return;
    }
    const session = await sessions.of(request);
    // A head that was written by somebody else while we waited.
    const isLate = response.headersSent || response.writableEnded;
    await uses[what](session);
    if (isLate || response.headersSent || response.writableEnded) return;
    witness.owed.private = true;
    if (what === "login") witness.owed.subject = "ana";
    if (what === "logout") witness.owed.subject = undefined;
    if (what === "login" || what === "logout") witness.owed.data = undefined;
    if (what === "set") witness.owed.data = "A";
    if (what === "login") witness.owed.cookie = true;
  } catch (error) {
    if (!hadBegun && !response.headersSent && !response.writableEnded) witness.sessionErrors.push(`${what}: ${codeOf(error)}`);
    throw error;
  }
}

const uses: Readonly<Record<Exclude<SessionUse, "own cookie">, (session: Session<Data>) => unknown>> = {
  read: (session) => session.get("a"),
  set: (session) => session.set("a", "A"),
  login: async (session) => session.login("ana"),
  logout: async (session) => session.logout(),
  flash: (session) => session.flash("hello"),
};

function shown(result: unknown, response: ServerResponse): string {
  if (result === response) return "the response";
  if (typeof result === "object" && result !== null) return result.constructor?.name ?? "object";
  return typeof result === "boolean" ? "a boolean" : String(result);
}

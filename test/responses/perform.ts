// Does the steps of a program, as the handler of a request.

import { createReadStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Session, Sessions } from "coatcheck";
import { destroys } from "./exceptions.ts";
import { begins, isHttp2, streamOf } from "./program.ts";
import type { Program, PendingChanges, Step } from "./program.ts";
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
  readonly isHurried: boolean;
  /** As long as a call of the store takes. */
  readonly waitForStore: () => Promise<void>;
  readonly witness: Witness;
  readonly leave: () => void;
}

export async function turns(count: number): Promise<void> {
  if (count === 0) await Promise.resolve();
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve));
}

class Late extends Error {
  override readonly name = "Late";
}

export async function perform(stage: Stage): Promise<void> {
  const { program, response, witness } = stage;
  for (const event of ["finish", "close", "drain", "error", "pipe", "unpipe"])
    response.on(event, (...args: unknown[]) => {
      witness.events.push(event === "error" ? `error ${codeOf(args[0])}` : event);
      witness.stir();
    });
  let hasRefusedHead = false;
  try {
    for (const step of program.steps) {
      const seen = { outcome: "under way", looks: undefined as ReturnType<typeof looksOf> | undefined };
      witness.steps.push(seen);
      try {
        const done = act(stage, step);
        // Its first write is made before it is waited for.
        if (step.kind === "write patiently") witness.hasBegun = true;
        const result = done instanceof Waiting ? await done.promise : done;
        seen.outcome = shown(result, response);
        if (begins(step)) witness.hasBegun = true;
        if (step.kind === "fail") return;
      } catch (error) {
        seen.outcome = `throws ${codeOf(error)}`;
        // The session was settled for a call over which what is in front stumbles, or Node over a message that it kept.
        const isRefused = step.kind === "call" && step.name === "writeHead";
        if (begins(step) && (program.front.length > 0 || hasRefusedHead)) witness.hasStumbled = true;
        hasRefusedHead ||= isRefused;
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
      if (
        /^write(?:Continue|Processing|EarlyHints)$/.test(step.name) &&
        (witness.hasBegun || response.headersSent)
      )
        return "left out";
      const args = step.args.map(({ make }) => make(witness.callback(step.name)));
      return Reflect.apply(Reflect.get(response, step.name) as () => unknown, response, args);
    }
    case "assign":
      Reflect.set(
        response,
        step.name,
        step.value.make(() => () => {}),
      );
      return undefined;
    case "write patiently":
      return new Waiting(writePatiently(response, step));
    case "pipe":
      if (step.how === "pipe") {
        streamOf(step.chunks).pipe(response);
        return new Waiting(over(response));
      }
      return new Waiting(pipeline(streamOf(step.chunks), response));
    case "send a file":
      if ("sendFile" in response) {
        Reflect.apply(response.sendFile as () => unknown, response, [
          import.meta.filename,
          witness.callback("sendFile")(),
        ]);
      } else createReadStream(import.meta.filename).pipe(response);
      return new Waiting(over(response));
    case "wait":
      return new Waiting(turns(stage.isHurried ? 0 : step.turns));
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
    // Respond by the stream.
    default: {
      const stream: unknown = Reflect.get(response, "stream");
      (stream as { respond: (headers: object) => void }).respond({ ":status": 200 });
      (stream as { end: (text: string) => void }).end("by the stream");
      return undefined;
    }
  }
}

/** Until a response has finished, or its connection is gone. */
async function over(response: ServerResponse): Promise<void> {
  if (response.writableFinished || response.destroyed) return;
  await new Promise<void>((resolve) => {
    response.on("finish", () => resolve());
    response.on("close", () => resolve());
  });
}

async function writePatiently(
  response: ServerResponse,
  { chunk, times }: Step & { kind: "write patiently" },
): Promise<void> {
  for (let time = 0; time < times; time++) {
    if (response.write(chunk.make(() => () => {})) || response.destroyed) continue;
    await new Promise<void>((resolve) => {
      response.on("drain", () => resolve());
      response.on("close", () => resolve());
    });
  }
}

async function use(stage: Stage, what: PendingChanges): Promise<void> {
  const { sessions, request, response, waitForStore, witness, program } = stage;
  if (sessions === undefined) {
    // A read, and for some a write.
    if (what !== "own cookie") await waitForStore();
    if (what === "login" || what === "logout") await waitForStore();
    return;
  }
  const hasBegun = (): boolean => witness.hasBegun || response.headersSent || response.writableEnded;
  const hadBegun = hasBegun();
  try {
    if (what === "own cookie") {
      sessions.cookies(request).set("own-plain", "1");
    } else {
      await uses[what](await sessions.of(request));
    }
  } catch (error) {
    // It may say so where an answer was sent, or the program itself destroyed the response.
    const isItsOwn =
      hasBegun() || witness.hasStumbled || program.steps.some(destroys) || codeOf(error) === "AFTER_LOGOUT";
    if (!isItsOwn) witness.sessionErrors.push(`${what}: ${codeOf(error)}`);
    throw error;
  }
  const { owed } = witness;
  if (what === "logout") owed.subject = undefined;
  // Answered by its stream, a response has left without anybody being told.
  const done = program.steps.slice(0, witness.steps.length);
  if (hadBegun && done.some(({ kind }) => kind === "respond by the stream")) return;
  if (!hadBegun) owed.private = true;
  if (what === "login") owed.cookie = true;
  if (what === "login") owed.subject = "ana";
}

const uses: Readonly<Record<Exclude<PendingChanges, "own cookie">, (session: Session<Data>) => unknown>> = {
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

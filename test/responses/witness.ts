import type { ServerResponse } from "node:http";
import type { Answer } from "./answer.ts";

/** What one step of a program did, as its program can see it. */
export interface StepSeen {
  /** What a call returned, or the code of what it threw. */
  outcome: string;
  /** How the response looked afterwards; absent while the step is under way. */
  looks: Looks | undefined;
}

export interface Looks {
  readonly headersSent: boolean;
  readonly finished: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** Everything that was seen of one run of a program. */
export class Witness {
  readonly steps: StepSeen[] = [];
  /** How many steps there were when the client was sent away: what comes after is nobody's concern. */
  timely = 0;
  /** For each callback that was passed, in order: the outcomes it was called with. */
  readonly callbacks: { readonly of: string; readonly calls: string[] }[] = [];
  /** Of the response, as its handler heard them behind all middleware. */
  readonly events: string[] = [];
  /** Of the response, as heard in front of all middleware. */
  readonly outerEvents: string[] = [];
  /** What middleware told: logs, the end of a response. */
  readonly lines: string[] = [];
  /** Errors that nobody caught. */
  readonly uncaught: string[] = [];
  /** Calls of the session that failed although the response had not begun. */
  readonly sessionErrors: string[] = [];
  /** What the session makes the response carry, as far as it must have by what was acknowledged before it began. */
  readonly owed: Owed = { cookie: false, private: false, subject: undefined };
  /** Whether the program has begun to answer. */
  hasBegun = false;
  /** Whether a call that begins to answer has thrown, behind something. */
  hasStumbled = false;
  /** How the response looked when all was over. */
  last: Looks | undefined;
  answer: Answer | undefined;
  leftOver = 0;
  /** How a second request on the connection fared. */
  again = "";
  /** What the visitor's next request finds, in a run with sessions. */
  next: { subject: string | undefined } | undefined;
  isHandlerDone = false;
  isClosed = false;
  /** Whether it went on until everything was over. */
  isOver = false;
  /** How often something was seen. */
  activity = 0;

  stir = (): void => {
    this.activity++;
  };

  hear = (line: string): void => {
    this.lines.push(line);
    this.stir();
  };

  /** A callback for a call of a method. */
  callback = (of: string) => (): ((...args: unknown[]) => void) => {
    const calls: string[] = [];
    this.callbacks.push({ of, calls });
    return (error) => {
      calls.push(error === undefined || error === null ? "well" : codeOf(error));
      this.stir();
    };
  };
}

export interface Owed {
  cookie: boolean;
  private: boolean;
  subject: string | undefined;
}

/** An error's code, or else its name and message. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && typeof error.code === "string") return error.code;
  return `${error.name}: ${error.message.split("\n")[0]}`;
}

export function looksOf(response: ServerResponse, isHttp2: boolean): Looks {
  return {
    headersSent: response.headersSent,
    finished: response.finished,
    writableEnded: response.writableEnded,
    writableFinished: response.writableFinished,
    statusCode: response.statusCode,
    // HTTP/2 has none, and warns.
    statusMessage: isHttp2 ? "" : response.statusMessage,
    headers: Object.entries(response.getHeaders()).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, String(one)]),
    ),
  };
}

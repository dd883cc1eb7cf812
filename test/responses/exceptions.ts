// Where a response with sessions may differ from one without, beyond what a session adds: one list, with reasons.

import { begins, ends, isHttp2 } from "./program.ts";
import type { Program, Step } from "./program.ts";
import type { StepSeen, Witness } from "./witness.ts";

/** A program was run twice; this is one step of it. */
interface Moment {
  readonly program: Program;
  readonly step: Step;
  readonly at: number;
  /** What was seen of the step without sessions, and with them. */
  readonly bare: StepSeen;
  readonly dressed: StepSeen;
  /** What was seen of the whole run without sessions. */
  readonly bareRun: Witness;
  /** Whether the response said before this step, in one of the runs, that its head was sent, and that it had ended. */
  readonly wasHeaded: boolean;
  readonly wasEnded: boolean;
}

interface Exception {
  readonly reason: string;
  /** Whether the runs may go different ways from this step on; what is compared then is in {@link partingOf}. */
  readonly parts: (moment: Moment) => boolean;
}

/** Steps after which only this is compared: that the program goes on, that callbacks of writes are called, that nothing is uncaught. */
const exceptions: readonly Exception[] = [
  {
    reason: "what the client gets of a response that is destroyed, or that it leaves, is a matter of moments",
    parts: ({ step }) => step.kind === "leave" || destroys(step),
  },
  {
    reason:
      "frameworks end the connection of a handler that failed after the head was sent: what was held goes with it",
    parts: ({ step, wasHeaded }) => step.kind === "fail" && wasHeaded,
  },
  {
    reason:
      "HTTP/2: past the response nothing can be added, so it is refused where there is something to add",
    parts: ({ step, bare, dressed }) =>
      step.kind === "respond by the stream" &&
      (throws(bare) || dressed.outcome === "throws RESPONSE_BYPASSED"),
  },
  {
    reason: "middleware that listens for heads overlooks headers behind a message that is `undefined`",
    parts: ({ program, step }) =>
      program.front.length > 0 &&
      isHead(step) &&
      "args" in step &&
      step.args.length === 3 &&
      step.args[1]?.code === "undefined",
  },
  {
    reason: "after a head that it refused Node has the status of it, and not a failure's",
    parts: ({ program, step, at, bareRun }) =>
      step.kind === "fail" &&
      program.steps.some((each, before) => before < at && isHead(each) && throws(bareRun.steps[before])),
  },
  {
    reason: "the message of an error is not compared, and this middleware sends it",
    parts: ({ program, step }) =>
      program.behind.includes("mung.write(…)") &&
      step.kind === "call" &&
      /^(?:write|end)$/.test(step.name) &&
      /^(?:[{[\d]|true|null|undefined)/.test(step.args[0]?.code ?? ""),
  },
  {
    reason:
      "HTTP/2: Node ends the stream with a head that has no body; what is written then is called back, or never, by moments",
    parts: ({ program, step, bareRun }) =>
      isHttp2(program) &&
      (isHead(step) || writesOn(step)) &&
      (program.method === "HEAD" || bareRun.answer?.status === 204 || bareRun.answer?.status === 304),
  },
  {
    reason: "HTTP/2: Node takes a value that HTTP/1 refuses; with sessions a head is refused whichever it is",
    parts: ({ program, step, dressed }) =>
      isHttp2(program) && isHead(step) && dressed.outcome === "throws ERR_INVALID_CHAR",
  },
  {
    reason: "HTTP/2: Node ends the stream over a header's name that is none; with sessions a head is refused",
    parts: ({ program, step, dressed }) =>
      isHttp2(program) && isHead(step) && dressed.outcome === "throws ERR_INVALID_HTTP_TOKEN",
  },
  {
    reason: "a pipeline into a response that has ended destroys it",
    parts: ({ step, wasEnded }) => step.kind === "pipe" && step.how === "pipeline" && wasEnded,
  },
  {
    reason: "what is in front keeps a head to itself without looking at all of it",
    parts: ({ program, step, bare, dressed }) =>
      keepsHead(program) && isHead(step) && !throws(bare) && throws(dressed),
  },
  {
    reason: "what gathers a body lets a head be changed when the body has begun",
    parts: ({ program, step, bare, dressed }) =>
      program.front.includes("gathering") &&
      (isHead(step) || (step.kind === "call" && step.name.endsWith("Header"))) &&
      !throws(bare) &&
      throws(dressed),
  },
  {
    reason: "HTTP/2: a response whose stream was answered past it is in a state of its own",
    parts: ({ program, at }) =>
      program.steps.slice(0, at).some(({ kind }) => kind === "respond by the stream"),
  },
  {
    reason:
      "HTTP/2: Node sends the head first and looks at the chunk then; a held head is still there to be answered with",
    parts: ({ program, bare, dressed }) => isHttp2(program) && throws(bare) && isChunkRefused(dressed),
  },
  {
    reason:
      "HTTP/1: an `end` that Node refuses leaves the socket corked, so that nothing of what follows arrives",
    parts: ({ step, bare, bareRun }) =>
      step.kind === "call" && step.name === "end" && isChunkRefused(bare) && !bareRun.isOver,
  },
  {
    reason: "Node keeps a status message that it refuses, and refuses it again with whatever is sent next",
    parts: ({ step, bare, dressed, bareRun }) =>
      isHead(step) && throws(bare) && bare.outcome === dressed.outcome && bareRun.answer?.state !== "whole",
  },
  {
    reason:
      "Node looks at an encoding when part of the message is out, and not at all where there is no body",
    parts: ({ step, bare, dressed }) =>
      (throws(bare) || throws(dressed)) &&
      step.kind === "call" &&
      step.args.some(({ code }) => code === '"nonsense"'),
  },
  {
    reason: "what is in front may take anything for a chunk, and stumble over it later",
    parts: ({ program, dressed }) => program.front.length > 0 && isChunkRefused(dressed),
  },
  {
    reason: "what is in front, and throws, does so when the call that waited is made",
    parts: ({ program, bare, dressed }) =>
      program.front.length > 0 && throws(bare) && dressed.outcome === "the response",
  },
  {
    reason:
      "HTTP/2: what is written after the end destroys Node's stream, which then refuses no head; a held one is there",
    parts: ({ program, step, wasEnded, bare, dressed }) =>
      isHttp2(program) && wasEnded && isHead(step) && !throws(bare) && throws(dressed),
  },
  {
    reason:
      "a compressor that stumbled over a status never sends a head, unless the sessions in front send one for it",
    parts: ({ program, at, bareRun }) =>
      program.behind.some((name) => name.startsWith("polkaCompression")) &&
      bareRun.steps.slice(0, at).some(({ outcome }) => outcome === "throws ERR_HTTP_INVALID_STATUS_CODE"),
  },
  {
    reason:
      "the answer to a failure has no headers that described the page, though what gathers a body has sent none yet",
    parts: ({ program, step }) => step.kind === "fail" && program.front.includes("gathering"),
  },
  {
    reason: "a head is refused twice: because it was sent, and because a framework can't read a value in it",
    parts: ({ step, bare, dressed }) =>
      step.kind === "call" && bare.outcome === "throws ERR_HTTP_HEADERS_SENT" && throws(dressed),
  },
  {
    reason: "a head that something in front keeps to itself is a head for whoever is behind the sessions",
    parts: ({ program, bare, dressed }) =>
      keepsHead(program) && bare.looks?.headersSent === false && dressed.looks?.headersSent === true,
  },
];

/** The step from which on two runs of a program may differ, or the number of its steps. */
export function partingOf(program: Program, bareRun: Witness, dressedRun: Witness): number {
  if (program.client === "leaves at the first byte") return 0;
  let wasHeaded = false;
  let wasEnded = false;
  for (const [at, step] of program.steps.entries()) {
    const [bare, dressed] = [bareRun.steps[at], dressedRun.steps[at]];
    if (bare === undefined || dressed === undefined) break;
    const moment = { program, step, at, bare, dressed, bareRun, wasHeaded, wasEnded };
    if (exceptions.some(({ parts }) => parts(moment))) return at;
    wasHeaded ||= bare.looks?.headersSent === true || dressed.looks?.headersSent === true;
    wasEnded ||= bare.looks?.writableEnded === true || dressed.looks?.writableEnded === true;
  }
  return program.steps.length;
}

/** Whether the answers may differ though the steps do not. */
export function mayAnswerOtherwise(program: Program, bareRun: Witness, dressedRun: Witness): boolean {
  const [bare, dressed] = [bareRun.answer, dressedRun.answer];
  if (bare === undefined || dressed === undefined) return false;
  // The program itself, or what it runs in, ended the connection in the middle, or wrote what is no response.
  if (bare.state === "cut" || bare.state === "malformed") return true;
  // Over HTTP/2 Node sends a head with writeHead; a held one waits for what comes next, as over HTTP/1.
  const isHeadAlone = bare.body.length === 0 && dressedRun.last?.writableEnded === false;
  if (isHttp2(program) && isHeadAlone && dressed.state === "none") return true;
  // A head that is still held is taken back for the answer to a handler's failure.
  const hasFailed = program.steps.some(({ kind }) => kind === "fail");
  return /^http2?$/.test(program.server) && hasFailed && bare.status !== 500 && dressed.status === 500;
}

/**
 * Whether Node refused a head, in both runs: it keeps the status and the headers that came before the one it
 * refuses, and a held response none of them.
 */
export function hasRefusedHead(program: Program, bareRun: Witness, dressedRun: Witness): boolean {
  return program.steps.some((step, at) => {
    const [bare, dressed] = [bareRun.steps[at], dressedRun.steps[at]];
    if (!isHead(step) || bare === undefined || !throws(bare)) return false;
    // What is in front may say it in its own words.
    return program.front.length > 0 ? throws(dressed) : bare.outcome === dressed?.outcome;
  });
}

/**
 * Whether a program writes after the end. To a call that comes then Node answers with an event and calls it back, or
 * does not, by whether the end has left.
 */
export function writesAfterEnd({ steps }: Program): boolean {
  const last = steps.findIndex(ends);
  return last !== -1 && steps.slice(last + 1).some(begins);
}

/** HTTP/2: whether Node tells of the end of a response, once its client has gone, only if the program ends it. */
export function endsByItself(program: Program): boolean {
  return isHttp2(program) && program.method === "HEAD";
}

/**
 * Whether a log may be of another head: of one that was refused, of a status that came when the head was made, or of a
 * head that nothing followed, which a held response has not sent.
 */
export function mayLogOtherHead(program: Program, bareRun: Witness, dressedRun: Witness): boolean {
  if (dressedRun.answer?.state === "none") return true;
  const isTooLate = program.steps.some(
    (step, at) =>
      /^(?:statusCode|writeHead|sendStatus|redirect)$/.test("name" in step ? step.name : "") &&
      [bareRun, dressedRun].some(({ steps }) => steps[at - 1]?.looks?.headersSent === true),
  );
  return isTooLate || hasRefusedHead(program, bareRun, dressedRun);
}

/** Whether something in front keeps a head until there is a body: what others do when a head is written then never comes, or too late. */
function keepsHead({ front }: Program): boolean {
  return front.some((name) => /^(?:http|polka)Compression/.test(name));
}

/** Whether something in front keeps what is written, and the head with it, so that `headersSent` is `false` until the end. */
export function keepsAnswer(program: Program): boolean {
  return keepsHead(program) || program.front.includes("gathering");
}

/** Whether something ends a response when it has compressed it, and stumbles over a second answer meanwhile. */
export function compresses({ front, behind }: Program): boolean {
  return [...front, ...behind].some((name) => /ompression/.test(name));
}

/** The same for something behind, so that the response is ended some time after its program has ended it. */
export function endsLater({ behind }: Program): boolean {
  return behind.some((name) => /ompression/.test(name));
}

/** Whether a program destroys its response itself. */
export function destroys(step: Step): boolean {
  return step.kind === "destroy the socket" || (step.kind === "call" && step.name === "destroy");
}

function isHead(step: Step): boolean {
  return step.kind === "call" && step.name === "writeHead";
}

/** Whether a step sends a head with the first of a body, and more may come. */
function writesOn(step: Step): boolean {
  if (step.kind === "call") return step.name === "write" || step.name === "flushHeaders";
  return step.kind === "write patiently" || step.kind === "pipe" || step.kind === "send a file";
}

function isChunkRefused({ outcome }: StepSeen): boolean {
  return /^throws ERR_(?:INVALID_ARG_TYPE|STREAM_NULL_VALUES)$/.test(outcome);
}

function throws(seen: StepSeen | undefined): boolean {
  return seen?.outcome.startsWith("throws") === true;
}

// What differs between two runs of a program, but for what a session adds.

import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { headerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import {
  endsByItself,
  endsLater,
  hasRefusedHead,
  keepsAnswer,
  mayAnswerOtherwise,
  mayLogOtherHead,
  partingOf,
  writesAfterEnd,
} from "./exceptions.ts";
import { begins, printedStep } from "./program.ts";
import type { Program, Step } from "./program.ts";
import { sessionCookie } from "./run.ts";
import type { Looks, StepSeen, Witness } from "./witness.ts";

type Compare = (what: string, without: unknown, withSessions: unknown) => void;

/** One line for each difference. */
export function differencesBetween(program: Program, bare: Witness, dressed: Witness): string[] {
  const found: string[] = [];
  const compare: Compare = (what, without, withSessions) => {
    const [one, other] = [JSON.stringify({ _: without }), JSON.stringify({ _: withSessions })];
    if (one !== other)
      found.push(`${what}: ${short(without)} without sessions, ${short(withSessions)} with them`);
  };
  const parting = partingOf(program, bare, dressed);
  const isWhole = parting === program.steps.length && !mayAnswerOtherwise(program, bare, dressed);
  const isHeadRefused = hasRefusedHead(program, bare, dressed);

  found.push(...errorsOf(bare, dressed));
  compareSteps(program, compare, bare, dressed, { parting, isHeadRefused });
  if (isWhole || bare.isHandlerDone) compare("the handler ended", bare.isHandlerDone, dressed.isHandlerDone);
  if (isWhole) {
    // What is in front may forget the callback of a call that comes too late.
    const isHeard = (at: number): boolean =>
      program.front.length === 0 || bare.callbacks[at]?.calls.length !== 0;
    const told = (run: Witness): readonly (readonly string[])[] =>
      outcomes(run, isHeard).map((calls) =>
        writesAfterEnd(program) ? calls.filter((call) => !lateOutcome.test(call)) : calls,
      );
    compare("the outcomes of callbacks", told(bare), told(dressed));
    compareEvents(compare, bare, dressed, {
      hasFront: program.front.length > 0,
      isHeadOpen: mayLogOtherHead(program, bare, dressed),
      isLate: writesAfterEnd(program),
    });
    compare("went on to the end", bare.isOver, dressed.isOver);
    found.push(...compareLast(program, compare, bare, dressed, isHeadRefused));
    if (bare.answer && dressed.answer)
      compareAnswers(compare, bare.answer, dressed.answer, {
        isHeadRefused,
        isHeadKept: keepsAnswer(program),
      });
    compare("bytes left over", bare.leftOver, dressed.leftOver);
    compare("a second request on the connection", bare.again, dressed.again);
  } else {
    const isCalled = written(dressed);
    if (written(bare).some((isOne, at) => isOne && isCalled[at] !== true))
      found.push("the callback of a write is called without sessions, and not with them");
    const [one, other] = [bare, dressed].map(({ outerEvents }) => count(outerEvents, "close"));
    if (one === 1 && other !== 1 && !endsByItself(program)) found.push(`"close" comes ${other} times`);
    if (dressed.answer?.state === "malformed" && bare.answer?.state !== "malformed")
      found.push("the answer is malformed");
  }
  if (dressed.answer && dressed.answer.status > 0) found.push(...missing(dressed.answer, dressed));
  return found;
}

/**
 * What may not be, whenever it comes: errors where there are none without sessions, and less of an answer.
 * The other comparisons may be made with a run whose moments are those of a held response.
 */
export function damagesBetween(program: Program, bare: Witness, dressed: Witness): string[] {
  const found: string[] = [];
  if (partingOf(program, bare, dressed) < program.steps.length) return found;
  const heard = new Set([...bare.events, ...bare.outerEvents]);
  for (const event of new Set([...dressed.events, ...dressed.outerEvents]))
    if (event.startsWith("error") && !heard.has(event) && !(event === lateError && writesAfterEnd(program)))
      found.push(`an event that is not there without sessions: ${event}`);
  const [one, other] = [bare.answer?.state, dressed.answer?.state];
  if (one === "whole" && other !== "whole" && !mayAnswerOtherwise(program, bare, dressed))
    found.push(`the answer is whole without sessions, and ${other} with them`);
  return found;
}

const lateError = "error ERR_STREAM_WRITE_AFTER_END";

/** What the callback of a call after the end is told, if it is called. */
const lateOutcome = /^ERR_STREAM_(?:WRITE_AFTER_END|ALREADY_FINISHED)$/;

function errorsOf(bare: Witness, dressed: Witness): string[] {
  return [
    ...dressed.uncaught
      .filter((error) => !bare.uncaught.includes(error))
      .map((error) => `an error nobody caught: ${error}`),
    ...dressed.sessionErrors.map(
      (error) => `a call of the session failed before the response began: ${error}`,
    ),
  ];
}

function compareSteps(
  program: Program,
  compare: Compare,
  bare: Witness,
  dressed: Witness,
  { parting, isHeadRefused }: { readonly parting: number; readonly isHeadRefused: boolean },
): void {
  const hasFront = program.front.length > 0;
  let hasBegun = false;
  program.steps.forEach((step, at) => {
    const [one, other] = [bare.steps[at], dressed.steps[at]];
    const what = `step ${at + 1}, ${printedStep(step)}`;
    hasBegun ||= begins(step);
    if (at >= Math.min(bare.timely, dressed.timely) && (one === undefined) === (other === undefined)) return;
    if (one === undefined || other === undefined) {
      if (at < parting || one !== undefined)
        compare(`${what}: was reached`, one !== undefined, other !== undefined);
      return;
    }
    if (step.kind === "session") return;
    if (at >= parting) {
      // Only that it goes on.
      if (one.outcome !== "under way") compare(`${what}: under way`, false, other.outcome === "under way");
      return;
    }
    // What middleware in front returns from a call that it takes is its own.
    const shown = ({ outcome }: StepSeen): string =>
      hasFront ? (/^(?:throws|under way)/.exec(outcome)?.[0] ?? "goes on") : outcome;
    if (!isDecidedBySession(step, one)) compare(what, shown(one), shown(other));
    if (one.looks && other.looks)
      compareLooks(compare, what, one.looks, other.looks, {
        hasFront,
        endsLater: endsLater(program),
        isHeadRefused,
        hasBegun,
      });
  });
}

interface EventsPlace {
  readonly hasFront: boolean;
  readonly isHeadOpen: boolean;
  /** Whether the program writes after the end. */
  readonly isLate: boolean;
}

function compareEvents(
  compare: Compare,
  bare: Witness,
  dressed: Witness,
  { hasFront, isHeadOpen, isLate }: EventsPlace,
): void {
  compare("events", bare.events.filter(isOrdered), dressed.events.filter(isOrdered));
  compare("events in front", bare.outerEvents.filter(isOrdered), dressed.outerEvents.filter(isOrdered));
  // What is in front may tell of an end before a pipeline has let go.
  for (const event of hasFront ? ["pipe"] : ["pipe", "unpipe"])
    compare(`${event}s`, count(bare.events, event), count(dressed.events, event));
  const told = ({ lines }: Witness): string[] =>
    lines.map((line) => {
      const known = isHeadOpen ? line.replace(/^(log: \S+) .*/, "$1") : line;
      // Over HTTP/2 a write after the end destroys a response whose end has not left.
      return isLate ? known.replace(/^(onFinished): .*/, "$1") : known;
    });
  compare("what middleware told", told(bare), told(dressed));
}

/** How the response looked when all was over. */
function compareLast(
  program: Program,
  compare: Compare,
  bare: Witness,
  dressed: Witness,
  isHeadRefused: boolean,
): string[] {
  const [one, other] = [bare.last, dressed.last];
  if (one === undefined || other === undefined) return [];
  for (const name of ["headersSent", "finished", "writableEnded", "writableFinished"] as const)
    compare(`${name} in the end`, one[name], other[name]);
  if (dressed.answer?.state === "none" || isHeadRefused) return [];
  // Assigned after the head it is not sent, and is put right when a held head leaves.
  if (!program.steps.some(isMessage))
    compare("statusMessage in the end", one.statusMessage, other.statusMessage);
  // To merge a head with what the session adds may lay all of it into the response's own headers.
  const laid = new Set(normal(other.headers));
  const lost = normal(one.headers).filter((each) => !laid.has(each) && isTold(each, true));
  return lost.length === 0 ? [] : [`getHeaders() in the end lacks ${lost.join(", ")}`];
}

function isMessage(step: Step): boolean {
  return step.kind === "assign" && step.name === "statusMessage";
}

/** Asking for a header that a session may have changed once the head is made. */
function isDecidedBySession(step: Step, { looks }: StepSeen): boolean {
  return (
    step.kind === "call" &&
    /^(?:get|has)Header$/.test(step.name) &&
    looks?.headersSent === true &&
    /^"(?:vary|cache-control|set-cookie)"$/i.test(step.args[0]?.code ?? "")
  );
}

/**
 * Drains come as often as there is something to wait for; that is compared by what waits for them. Errors may be
 * fewer: to a call after the end Node answers with one only until the end has left.
 */
function isOrdered(event: string): boolean {
  return !/^(?:drain|pipe|unpipe$|error)/.test(event);
}

function outcomes({ callbacks }: Witness, isHeard: (at: number) => boolean): readonly (readonly string[])[] {
  return callbacks.filter((_, at) => isHeard(at)).map(({ calls }) => calls);
}

/** Which callbacks of writes were called; that of an end is called if it could finish. */
function written({ callbacks }: Witness): boolean[] {
  return callbacks.filter((each) => each.of === "write").map(({ calls }) => calls.length > 0);
}

function count(events: readonly string[], event: string): number {
  return events.filter((each) => each === event).length;
}

/** Where in a program a response is looked at. */
interface Place {
  readonly hasFront: boolean;
  readonly endsLater: boolean;
  /** Whether the program has begun to answer. */
  readonly hasBegun: boolean;
  readonly isHeadRefused: boolean;
}

function compareLooks(compare: Compare, what: string, one: Looks, other: Looks, place: Place): void {
  const { hasFront, hasBegun, isHeadRefused } = place;
  for (const name of ["headersSent", "finished", "writableEnded"] as const) {
    // Middleware in front may keep a call to itself for a while; what is held looks as if nobody did.
    if (hasFront && (!one[name] || isHeadRefused)) continue;
    // What is ended by a compressor behind is so in its own time.
    if (place.endsLater && name !== "headersSent") continue;
    compare(`${what}: ${name} afterwards`, one[name], other[name]);
  }
  // What writeHead was given Node lays into these at once, and a held head when it leaves. What is assigned
  // afterwards changes nothing that is sent.
  if (one.headersSent || other.headersSent || isHeadRefused || (hasFront && hasBegun)) return;
  compare(`${what}: statusCode afterwards`, one.statusCode, other.statusCode);
  compare(`${what}: statusMessage afterwards`, one.statusMessage, other.statusMessage);
  compare(`${what}: getHeaders() afterwards`, normal(one.headers), normal(other.headers));
}

interface HeadFate {
  readonly isHeadRefused: boolean;
  /** By something in front, past what others do when a head is written. */
  readonly isHeadKept: boolean;
}

function compareAnswers(
  compare: Compare,
  one: Answer,
  other: Answer,
  { isHeadRefused, isHeadKept }: HeadFate,
): void {
  compare("how the answer ended", one.state, other.state);
  compare("informational responses", one.infos, other.infos);
  compare("trailers", one.trailers, other.trailers);
  compare("the body", bodyOf(one), bodyOf(other));
  if (isHeadRefused) return;
  compare("the status", one.status, other.status);
  compare("the status message", one.message, other.message);
  const told = ({ headers }: Answer): string[] =>
    normal(headers).filter((header) => isTold(header, isHeadKept));
  compare("headers", told(one), told(other));
}

/** Whether a header is compared: not one that middleware adds when a head is written, where something keeps the head. */
function isTold(header: string, isHeadKept: boolean): boolean {
  return !isHeadKept || !/^x-(?:response-time|mung|size):/.test(header);
}

/** Headers without what a session adds or decides, and what differs from one moment to the next. */
function normal(headers: readonly (readonly [string, string])[]): string[] {
  const vary = varied(
    headers.flatMap(([name, value]) => (name.toLowerCase() === "vary" ? value.split(",") : [])),
  );
  const others = headers.flatMap(([spelt, value]) => {
    const name = spelt.toLowerCase();
    if (name === "cache-control" || name === "vary" || (name === "set-cookie" && isOurs(value))) return [];
    return [`${name}: ${name === "date" || name === "x-response-time" ? "" : value}`];
  });
  return [...others, ...vary].toSorted();
}

/** The session's cookie, and the one that programs set through `cookies`, which only leaves with a session's response. */
function isOurs(cookie: string): boolean {
  return cookie.startsWith(sessionCookie) || cookie.startsWith("own-plain=");
}

function varied(names: readonly string[]): string[] {
  const others = names
    .map((each) => each.trim())
    .filter((each) => each !== "" && each.toLowerCase() !== "cookie");
  return others.length === 0 ? [] : [`vary: ${others.join(", ")}`];
}

function bodyOf(answer: Answer): string {
  const encoding = headerOf(answer, "content-encoding");
  let { body } = answer;
  try {
    if (encoding === "gzip") body = gunzipSync(body);
    if (encoding === "br") body = brotliDecompressSync(body);
    if (encoding === "deflate") body = inflateSync(body);
  } catch (error) {
    return `not ${encoding}: ${body.length === 0 ? "empty" : String(error)}`;
  }
  const text = body.toString("latin1");
  return text.replaceAll(/(.)\1{20,}/g, (run, letter: string) => `${letter}{${run.length}}`);
}

/** What a session must make a response carry and did not. */
function missing(answer: Answer, { owed, next }: Witness): string[] {
  const found: string[] = [];
  const cookies = answer.headers.filter(
    ([name, value]) => name === "set-cookie" && value.startsWith(sessionCookie),
  );
  if (owed.cookie && cookies.length === 0) found.push("the login's cookie is missing");
  if (cookies.length > 1) found.push(`${cookies.length} session cookies`);
  if (owed.private) {
    const [vary = "", caching = ""] = [headerOf(answer, "vary"), headerOf(answer, "cache-control")];
    if (!/\bcookie\b|\*/i.test(vary)) found.push("the session was looked at: Vary: Cookie is missing");
    if (!/no-store|private/i.test(caching))
      found.push(`the session was looked at: Cache-Control is ${caching}`);
  }
  if (next !== undefined && next.subject !== owed.subject)
    found.push(`the next request is ${next.subject}'s instead of ${owed.subject}'s`);
  return found;
}

function short(value: unknown): string {
  const text = value === undefined ? "undefined" : JSON.stringify(value);
  return text.length <= 300 ? text : `${text.slice(0, 200)}…${text.slice(-80)}`;
}

// What differs between two runs of a program, but for what a session adds.

import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { headerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { begins, cutAt, isHttp2, printedStep } from "./program.ts";
import type { Program, Step } from "./program.ts";
import { sessionCookie } from "./run.ts";
import type { Looks, StepSeen, Witness } from "./witness.ts";

export function differencesBetween(program: Program, bare: Witness, dressed: Witness): string[] {
  const found: string[] = [];
  const compare = (what: string, without: unknown, withSessions: unknown): void => {
    const [one, other] = [JSON.stringify(without) ?? "undefined", JSON.stringify(withSessions) ?? "undefined"];
    if (one !== other) found.push(`${what}: ${short(one)} without sessions, ${short(other)} with them`);
  };
  const firstCut = Math.min(cutAt(program), ...departures(program, bare, dressed));
  const isCut = firstCut < program.steps.length || /^(?:cut|malformed)$/.test(bare.answer?.state ?? "") || isSpared(program, bare, dressed);

  const isHeadRefused = hasRefusedHead(program, bare, dressed);

  for (const error of dressed.uncaught)
    if (!bare.uncaught.includes(error) && error !== "ERR_HTTP_TRAILER_INVALID") found.push(`an error nobody caught: ${error}`);
  for (const error of dressed.sessionErrors) found.push(`a call of the session failed before the response began: ${error}`);

  let hasBegun = false;
  program.steps.forEach((step, at) => {
    const [one, other] = [bare.steps[at], dressed.steps[at]];
    const what = `step ${at + 1}, ${printedStep(step)}`;
    hasBegun ||= begins(step);
    if (step.kind === "session" || one === undefined || other === undefined) {
      if (one === undefined || other === undefined) compare(`${what}: was reached`, one !== undefined, other !== undefined);
      return;
    }
    if (at >= firstCut) {
      // Only that it goes on.
      compare(what, one.outcome === "under way", other.outcome === "under way");
      return;
    }
    // What middleware in front returns from a call that it takes is its own.
    const shown = ({ outcome }: StepSeen): string => {
      if (program.front.length === 0) return outcome;
      return /^(?:throws|under way)/.exec(outcome)?.[0] ?? "goes on";
    };
    if (!isDecidedBySession(step, one)) compare(what, shown(one), shown(other));
    if (one.looks && other.looks)
      compareLooks(compare, what, one.looks, other.looks, { hasFront: program.front.length > 0, isHeadRefused, hasBegun });
  });

  if (!isCut) {
    compare("the outcomes of callbacks", outcomes(bare), outcomes(dressed));
    compare("events", bare.events.filter(isOrdered), dressed.events.filter(isOrdered));
    for (const event of ["pipe", "unpipe"]) compare(`${event}s`, count(bare.events, event), count(dressed.events, event));
    compare("events in front", bare.outerEvents.filter(isOrdered), dressed.outerEvents.filter(isOrdered));
    compare("what middleware told", bare.lines, dressed.lines);
  } else {
    compare("callbacks of writes called", written(bare), written(dressed));
    compare("closes in front", count(bare.outerEvents, "close"), count(dressed.outerEvents, "close"));
  }

  if (!isCut && bare.last !== undefined && dressed.last !== undefined) {
    for (const name of ["headersSent", "finished", "writableEnded", "writableFinished"] as const)
      compare(`${name} in the end`, bare.last[name], dressed.last[name]);
    if (dressed.answer?.state !== "none" && !isHeadRefused) {
      if (!program.steps.some(isMessage)) compare("statusMessage in the end", bare.last.statusMessage, dressed.last.statusMessage);
      // To merge a head with what the session adds may lay all of it into the response's own headers.
      const laid = new Set(normal(dressed.last.headers));
      const lost = normal(bare.last.headers).filter((each) => !laid.has(each) && !/^x-(?:response-time|mung|size):/.test(each));
      if (lost.length > 0) found.push(`getHeaders() in the end lacks ${lost.join(", ")}`);
    }
  }
  if (!isCut) compare("went on to the end", bare.isOver, dressed.isOver);
  compare("the handler ended", bare.isHandlerDone, dressed.isHandlerDone);
  const [without, withSessions] = [bare.answer, dressed.answer];
  if (without && withSessions) {
    if (!isCut) {
      compareAnswers(compare, without, withSessions, { isHeadRefused, isHeadKept: program.front.some(keepsHead) });
      compare("bytes left over", bare.leftOver, dressed.leftOver);
      compare("a second request on the connection", bare.again, dressed.again);
    } else if (withSessions.state === "malformed" && without.state !== "malformed") {
      found.push("the answer is malformed");
    }
    if (withSessions.status > 0) found.push(...missing(program, withSessions, dressed));
  }
  return found;
}

/**
 * Steps from which on the two may differ since Node itself does something odd there, which a held response
 * has no reason to repeat.
 */
function departures(program: Program, bare: Witness, dressed: Witness): number[] {
  return program.steps.flatMap((step, at) => {
    const [one, other] = [bare.steps[at]?.outcome ?? "", dressed.steps[at]?.outcome ?? ""];
    // What goes past the response can't carry what the session adds, and is refused where there is something to add.
    if (step.kind === "respond by the stream")
      return one.startsWith("throws") || other === "throws RESPONSE_BYPASSED" ? [at] : [at + 1];
    // Frameworks end a connection whose handler failed after the head was sent; what was held goes with it.
    if (step.kind === "fail")
      return [bare, dressed].some(({ steps }) => steps[at - 1]?.looks?.headersSent === true) ? [at] : [];
    // It tells of a trailer that can't be sent when it sends the head; a response that was held is settled then.
    if (one === "throws ERR_HTTP_TRAILER_INVALID") return [at];
    // What is in front may take anything as a chunk, and stumble over it later.
    if (program.front.length > 0 && other === "throws ERR_INVALID_ARG_TYPE") return [at];
    // What is in front, and throws, does so when a call that waits is made.
    if (program.front.length > 0 && one.startsWith("throws") && other === "the response") return [at];
    // A head that something in front keeps to itself is a head for whoever is behind the sessions.
    if (program.front.some(keepsHead) && isAhead(bare.steps[at]?.looks, dressed.steps[at]?.looks)) return [at];
    // It has the head out before it looks at the encoding, and part of the body's framing; and does not look
    // where there will be no body.
    if (other === "throws ERR_UNKNOWN_ENCODING") return [at];
    if (step.kind !== "call" || one !== other) return [];
    // It keeps a status and a message that it refuses, and refuses them again with whatever is sent next.
    if (step.name === "writeHead") return one.startsWith("throws") && bare.answer?.state !== "whole" ? [at] : [];
    if (one !== "throws ERR_INVALID_ARG_TYPE") return [];
    // HTTP/2: it sends the head first, and looks at the chunk then.
    if (isHttp2(program)) return [at];
    // HTTP/1: `end` leaves the socket corked, so that nothing of what follows arrives.
    return step.name === "end" && !bare.isOver ? [at] : [];
  });
}

function keepsHead(middleware: string): boolean {
  return /^(?:http|polka)Compression/.test(middleware);
}

function isAhead(one: Looks | undefined, other: Looks | undefined): boolean {
  return one?.headersSent === false && other?.headersSent === true;
}

/** Whether Node refused a head: it keeps what came before what it refuses, and a held response nothing. */
function hasRefusedHead(program: Program, bare: Witness, dressed: Witness): boolean {
  return program.steps.some((step, at) => {
    const outcome = bare.steps[at]?.outcome ?? "";
    const isSame = outcome === dressed.steps[at]?.outcome && outcome.startsWith("throws");
    return isSame && step.kind === "call" && step.name === "writeHead";
  });
}

/** Whether only the head can tell the two apart, in ways that are meant. */
function isSpared(program: Program, bare: Witness, dressed: Witness): boolean {
  const [one, other] = [bare.answer, dressed.answer];
  if (one === undefined || other === undefined) return false;
  // Over HTTP/2 Node sends a head with writeHead; a held one waits for what comes next, as over HTTP/1.
  const isHeadAlone = one.body.length === 0 && dressed.last?.writableEnded === false;
  if (isHttp2(program) && isHeadAlone && other.state === "none") return true;
  // A head that is still held is taken back for the answer to a handler's failure.
  return (
    /^http2?$/.test(program.server) &&
    program.steps.some(({ kind }) => kind === "fail") &&
    one.status !== 500 &&
    other.status === 500
  );
}

function isMessage(step: Step): boolean {
  return step.kind === "assign" && step.name === "statusMessage";
}

/**
 * What may not be, whenever it comes: errors where there are none without sessions, and less of an answer.
 * The other comparisons are made with a run whose moments are those of a held response.
 */
export function damagesBetween(program: Program, bare: Witness, dressed: Witness): string[] {
  const found: string[] = [];
  if (cutAt(program) < program.steps.length || departures(program, bare, dressed).length > 0) return found;
  for (const error of new Set([...dressed.events, ...dressed.outerEvents]))
    if (error.startsWith("error") && !bare.events.includes(error) && !bare.outerEvents.includes(error))
      found.push(`an event that is not there without sessions: ${error}`);
  if (bare.answer?.state === "whole" && dressed.answer?.state !== "whole" && !isSpared(program, bare, dressed))
    found.push(`the answer is whole without sessions, and ${dressed.answer?.state} with them`);
  return found;
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

type Compare = (what: string, without: unknown, withSessions: unknown) => void;

/**
 * Drains come as often as there is something to wait for; that is compared by what waits for them. Errors may be
 * fewer: to a call after the end Node answers with one only until the end has left.
 */
function isOrdered(event: string): boolean {
  return !/^(?:drain|pipe|unpipe$|error)/.test(event);
}

function outcomes({ callbacks }: Witness): readonly (readonly string[])[] {
  return callbacks.map(({ calls }) => calls);
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
  /** Whether the program has begun to answer. */
  readonly hasBegun: boolean;
  readonly isHeadRefused: boolean;
}

function compareLooks(compare: Compare, what: string, one: Looks, other: Looks, place: Place): void {
  const { hasFront, hasBegun, isHeadRefused } = place;
  for (const name of ["headersSent", "finished", "writableEnded"] as const) {
    // Middleware in front may keep a call to itself for a while; what is held looks as if nobody did.
    if (hasFront && (!one[name] || isHeadRefused)) continue;
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

function compareAnswers(compare: Compare, one: Answer, other: Answer, { isHeadRefused, isHeadKept }: HeadFate): void {
  compare("how the answer ended", one.state, other.state);
  compare("informational responses", one.infos, other.infos);
  compare("trailers", one.trailers, other.trailers);
  compare("the body", bodyOf(one), bodyOf(other));
  if (isHeadRefused) return;
  compare("the status", one.status, other.status);
  compare("the status message", one.message, other.message);
  const isTold = (header: string): boolean => !isHeadKept || !/^x-(?:response-time|mung|size):/.test(header);
  compare("headers", normal(one.headers).filter(isTold), normal(other.headers).filter(isTold));
}

/** Headers without what a session adds or decides, and what differs from one moment to the next. */
function normal(headers: readonly (readonly [string, string])[]): string[] {
  const vary = varied(headers.flatMap(([name, value]) => (name.toLowerCase() === "vary" ? value.split(",") : [])));
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
  const others = names.map((each) => each.trim()).filter((each) => each !== "" && each.toLowerCase() !== "cookie");
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
function missing(program: Program, answer: Answer, { owed, next }: Witness): string[] {
  const found: string[] = [];
  const cookies = answer.headers.filter(([name, value]) => name === "set-cookie" && value.startsWith(sessionCookie));
  if (owed.cookie && cookies.length === 0) found.push("the login's cookie is missing");
  if (cookies.length > 1) found.push(`${cookies.length} session cookies`);
  if (owed.private) {
    const [vary = "", caching = ""] = [headerOf(answer, "vary"), headerOf(answer, "cache-control")];
    if (!/\bcookie\b|\*/i.test(vary)) found.push("the session was looked at: Vary: Cookie is missing");
    if (!/no-store|private/i.test(caching)) found.push(`the session was looked at: Cache-Control is ${caching}`);
  }
  if (next !== undefined && next.subject !== owed.subject)
    found.push(`the next request is ${next.subject}'s instead of ${owed.subject}'s`);
  return found;
}

function short(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 200)}…${text.slice(-80)}`;
}

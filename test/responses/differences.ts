// What differs between two runs of a program, but for what a session adds.

import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { headerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { cutAt, isHttp2, printedStep } from "./program.ts";
import type { Program } from "./program.ts";
import { sessionCookie } from "./run.ts";
import type { Looks, Witness } from "./witness.ts";

export function differencesBetween(program: Program, bare: Witness, dressed: Witness): string[] {
  const found: string[] = [];
  const compare = (what: string, without: unknown, withSessions: unknown): void => {
    const [one, other] = [JSON.stringify(without) ?? "undefined", JSON.stringify(withSessions) ?? "undefined"];
    if (one !== other) found.push(`${what}: ${short(one)} without sessions, ${short(other)} with them`);
  };
  const firstCut = cutAt(program);
  // Over HTTP/2 Node sends a head with writeHead; a held one waits for what comes next, as over HTTP/1.
  const isHeadAlone =
    isHttp2(program) && bare.answer?.state === "open" && bare.answer.body.length === 0 && dressed.answer?.state === "none";
  // A head that is still held is taken back for the answer to a handler's failure.
  const isTakenBack =
    /^http2?$/.test(program.server) &&
    program.steps.some(({ kind }) => kind === "fail") &&
    dressed.answer?.status === 500 && bare.answer?.status !== 500;
  const isCut = isHeadAlone || isTakenBack || firstCut < program.steps.length || bare.answer?.state === "cut";

  for (const error of dressed.uncaught)
    if (!bare.uncaught.includes(error)) found.push(`an error nobody caught: ${error}`);
  for (const error of dressed.sessionErrors) found.push(`a call of the session failed before the response began: ${error}`);

  program.steps.forEach((step, at) => {
    const [one, other] = [bare.steps[at], dressed.steps[at]];
    const what = `step ${at + 1}, ${printedStep(step)}`;
    if (step.kind === "session" || one === undefined || other === undefined) {
      if (one === undefined || other === undefined) compare(`${what}: was reached`, one !== undefined, other !== undefined);
      return;
    }
    if (at >= firstCut) {
      // Only that it goes on.
      compare(what, one.outcome === "under way", other.outcome === "under way");
      return;
    }
    compare(what, one.outcome, other.outcome);
    if (one.looks && other.looks) compareLooks(compare, what, one.looks, other.looks);
  });

  if (!isCut) {
    compare("the outcomes of callbacks", bare.callbacks, dressed.callbacks);
    compare("events", bare.events.filter(isOrdered), dressed.events.filter(isOrdered));
    compare("events in front", bare.outerEvents, dressed.outerEvents);
    compare("what middleware told", bare.lines, dressed.lines);
  } else {
    compare("callbacks called", bare.callbacks.map(isCalled), dressed.callbacks.map(isCalled));
    compare("closes in front", count(bare.outerEvents, "close"), count(dressed.outerEvents, "close"));
  }

  if (!isCut && bare.last !== undefined && dressed.last !== undefined) {
    for (const name of ["headersSent", "finished", "writableEnded", "writableFinished", "statusCode", "statusMessage"] as const)
      compare(`${name} in the end`, bare.last[name], dressed.last[name]);
    // To merge a head with what the session adds may lay all of it into the response's own headers.
    const own = new Set(normal(bare.last.headers));
    const laid = new Set(normal(dressed.last.headers));
    const lost = [...own].filter((each) => !laid.has(each));
    if (lost.length > 0) found.push(`getHeaders() in the end lacks ${lost.join(", ")}`);
  }
  if (!isCut) compare("went on to the end", bare.isOver, dressed.isOver);
  compare("the handler ended", bare.isHandlerDone, dressed.isHandlerDone);
  const [without, withSessions] = [bare.answer, dressed.answer];
  if (without && withSessions) {
    if (!isCut) {
      compareAnswers(program, compare, without, withSessions, dressed);
      compare("bytes left over", bare.leftOver, dressed.leftOver);
      compare("a second request on the connection", bare.again, dressed.again);
    } else if (withSessions.state === "malformed" && without.state !== "malformed") {
      found.push("the answer is malformed");
    }
    if (withSessions.status > 0) found.push(...missing(program, withSessions, dressed));
  }
  return found;
}

type Compare = (what: string, without: unknown, withSessions: unknown) => void;

/** Drains come as often as there is something to wait for; that is compared by what waits for them. */
function isOrdered(event: string): boolean {
  return event !== "drain";
}

function isCalled(calls: readonly string[]): boolean {
  return calls.length > 0;
}

function count(events: readonly string[], event: string): number {
  return events.filter((each) => each === event).length;
}

function compareLooks(compare: Compare, what: string, one: Looks, other: Looks): void {
  for (const name of ["headersSent", "finished", "writableEnded", "statusCode"] as const)
    compare(`${what}: ${name} afterwards`, one[name], other[name]);
  // What writeHead was given Node lays into these at once, and a held head when it leaves.
  if (one.headersSent) return;
  compare(`${what}: statusMessage afterwards`, one.statusMessage, other.statusMessage);
  compare(`${what}: getHeaders() afterwards`, normal(one.headers), normal(other.headers));
}

function compareAnswers(program: Program, compare: Compare, one: Answer, other: Answer, dressed: Witness): void {
  compare("how the answer ended", one.state, other.state);
  compare("the status", one.status, other.status);
  compare("the status message", one.message, other.message);
  compare("informational responses", one.infos, other.infos);
  compare("trailers", one.trailers, other.trailers);
  compare("headers", normal(one.headers), normal(other.headers));
  compare("the body", bodyOf(one), bodyOf(other));
}

/** Headers without what a session adds or decides, and what differs from one moment to the next. */
function normal(headers: readonly (readonly [string, string])[]): string[] {
  return headers
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name, value]) => name !== "cache-control" && !(name === "set-cookie" && isOurs(value)))
    .map(([name, value]): [string, string] => {
      if (name === "vary") return [name, varied(value)];
      if (name === "date" || name === "x-response-time") return [name, ""];
      return [name, value];
    })
    .filter(([name, value]) => !(name === "vary" && value === ""))
    .map((pair) => pair.join(": "))
    .toSorted();
}

/** The session's cookie, and the one that programs set through `cookies`, which only leaves with a session's response. */
function isOurs(cookie: string): boolean {
  return cookie.startsWith(sessionCookie) || cookie.startsWith("own-plain=");
}

function varied(value: string): string {
  return value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part.toLowerCase() !== "cookie")
    .join(", ");
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

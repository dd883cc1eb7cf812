import * as fc from "fast-check";
import { compresses, destroys, keepsAnswer } from "./exceptions.ts";
import {
  begins,
  buffer,
  bytes,
  callback,
  ends,
  error,
  isHttp2,
  literal,
  longText,
  serverNames,
  sessionUses,
} from "./program.ts";
import type { Program, ServerName, Step, Value } from "./program.ts";
import { middlewareNames } from "./middleware.ts";

/** Random programs. Most are what somebody would write; the others have one mistake or several. */
export const programs: fc.Arbitrary<Program> = fc
  .constantFrom(...serverNames)
  .chain((server) => programsFor(server))
  .filter((program) => !notDrawn.some(({ is }) => is(program)));

/** Mistakes that no program gets by with, and with which a held response can't do as Node does. */
const notDrawn: readonly { readonly reason: string; readonly is: (program: Program) => boolean }[] = [
  {
    reason:
      "HTTP/2: Node refuses a second value of these when the head leaves, which is later where it is held",
    is: (program) => isHttp2(program) && program.steps.some(givesTwoValues),
  },
  {
    reason: "HTTP/2: writeHead keeps any status, and refuses it, if at all, when it is sent",
    is: (program) =>
      isHttp2(program) &&
      program.steps.some((step) => isHead(step) && !/^"?[2-5]\d\d"?$/.test(argsOf(step)[0]?.code ?? "")),
  },
  {
    reason:
      "HTTP/2: of what is written in one turn with an empty end, or of text that is no base64, Node sends what happens to be in its memory (24.21)",
    is: (program) =>
      isHttp2(program) &&
      program.steps.some((step) => argsOf(step).some(({ code }) => /^"(?:|hex|base64)"$/.test(code))),
  },
  {
    reason:
      "HTTP/2: a name or a value that is none ends the stream or the connection, or is dropped with what a session adds",
    is: (program) =>
      isHttp2(program) &&
      program.steps.some((step) => {
        const isOfHeader = step.kind === "call" && /^(?:setHeader|appendHeader|writeHead)$/.test(step.name);
        return isOfHeader && step.args.some(({ code }) => badText.test(code));
      }),
  },
  {
    reason: "two compressors in front of each other send what neither of them means, in their own time",
    is: ({ front, behind }) =>
      [front, behind].some((names) => names.filter((name) => /ompression/.test(name)).length > 1),
  },
  {
    reason: "Node loses some of what is written where corks and uncorks are no pairs",
    is: ({ steps: all }) => {
      let depth = 0;
      const depths = all.map((step) => {
        if (step.kind === "call" && step.name === "cork") depth++;
        if (step.kind === "call" && step.name === "uncork") depth--;
        return depth;
      });
      return depth !== 0 || depths.some((each) => each < 0);
    },
  },
  {
    reason: "HTTP/2: what answers a stream past a response that has begun is refused, by moments",
    is: ({ steps: all }) =>
      all.some(({ kind }, at) => kind === "respond by the stream" && all.slice(0, at).some(begins)),
  },
  {
    reason: "what keeps an answer to itself, or ends it later, stumbles over a second one",
    is: (program) =>
      (keepsAnswer(program) || compresses(program)) &&
      program.steps.some((step, at) => begins(step) && program.steps.slice(0, at).some(ends)),
  },
  {
    reason:
      "where something in front keeps a head, what is set after the answer takes the place of what a session added",
    is: ({ front, steps: all }) =>
      front.length > 0 &&
      all.some(
        (step, at) =>
          argsOf(step).some(({ code }) => /"(?:vary|cache-control|set-cookie)"/i.test(code)) &&
          all.slice(0, at).some(begins),
      ),
  },
  {
    reason:
      "what is in front may go by a status that comes too late; when a held head leaves it is put right",
    is: ({ front, steps: all }) =>
      front.length > 0 && all.some((step, at) => step.kind === "assign" && all.slice(0, at).some(begins)),
  },
  {
    reason: "what keeps a head does not look at its status",
    is: (program) =>
      keepsAnswer(program) &&
      program.steps.some((step) => givesStatus(step) && !/^"?[1-9]\d\d"?$/.test(argsOf(step)[0]?.code ?? "")),
  },
  {
    reason: "what is in front reads heads in its own way; an object is what all of it reads",
    is: ({ front, steps: all }) =>
      front.length > 0 &&
      all.some((step) => isHead(step) && /^(?:null|5|\[)/.test(argsOf(step).at(-1)?.code ?? "")),
  },
  {
    reason: "where something in front keeps an answer, its head can still be changed when the body has begun",
    is: (program) =>
      keepsAnswer(program) &&
      program.steps.some((step, at) => setsHeaders(step) && program.steps.slice(0, at).some(begins)),
  },
  {
    reason: "where something in front keeps a head, what gathers a body behind adds a length to it",
    is: (program) => keepsAnswer(program) && program.behind.includes("gathering"),
  },
  {
    reason: "HTTP/2: who waits for drain, or for the end, when the client has gone waits for ever",
    is: (program) =>
      isHttp2(program) &&
      program.steps.some(
        ({ kind }, at) =>
          /^(?:write patiently|pipe|send a file)$/.test(kind) && program.steps.slice(0, at).some(isLeave),
      ),
  },
  {
    reason: "a file that is sent after the end fails in one way or another, by whether the end has left",
    is: ({ steps: all }) => all.some(({ kind }, at) => kind === "send a file" && all.slice(0, at).some(ends)),
  },
  {
    reason: "of a head without a body that it refuses Node keeps that there is no body",
    is: ({ steps: all }) =>
      all.some(
        (step, at) =>
          step.kind === "assign" &&
          step.name === "statusCode" &&
          all.slice(0, at).some((each) => isHead(each) && /^(?:204|304)$/.test(argsOf(each)[0]?.code ?? "")),
      ),
  },
  {
    reason: "compressors in front take the callback of a bare end for a chunk, and throw",
    is: ({ front, steps: all }) =>
      front.some((name) => /ompression/.test(name)) &&
      all.some((step) => step.kind === "call" && step.name === "end" && step.args[0]?.code === "callback"),
  },
  {
    reason: "trailers that come after the end are too late where it has left, and not where it waits",
    is: ({ steps: all }) =>
      all.some(
        (step, at) => step.kind === "call" && step.name === "addTrailers" && all.slice(0, at).some(ends),
      ),
  },
];

/** What is in no header, as it is printed. */
const badText = /\\n|\\u0000|ü|x bad|x:y/;

/** Headers of which HTTP/2 takes one value only. */
const single = /^"(?:content-type|etag)"$/i;

function givesTwoValues(step: Step): boolean {
  if (step.kind !== "call") return false;
  const [first, second] = step.args;
  if (step.name === "appendHeader") return single.test(first?.code ?? "");
  if (step.name === "setHeader")
    return single.test(first?.code ?? "") && second?.code.startsWith("[") === true;
  if (step.name !== "writeHead") return false;
  const given = step.args.at(-1)?.code ?? "";
  return (
    (given.match(/"(?:content-type|etag)"/gi) ?? []).length > 1 ||
    /"(?:content-type|etag)"[:,]\[/i.test(given)
  );
}

function isHead(step: Step): boolean {
  return step.kind === "call" && step.name === "writeHead";
}

function givesStatus(step: Step): boolean {
  return (
    isHead(step) ||
    (step.kind === "assign" && step.name === "statusCode") ||
    (step.kind === "call" && step.name === "sendStatus")
  );
}

function isLeave(step: Step): boolean {
  return step.kind === "leave" || destroys(step);
}

/** Whether a step answers, and sets headers to do so. */
function setsHeaders(step: Step): boolean {
  if (step.kind === "send a file") return true;
  return step.kind === "call" && /^(?:send|json|redirect|sendStatus)$/.test(step.name);
}

function argsOf(step: Step): readonly Value[] {
  if (step.kind === "call") return step.args;
  if (step.kind === "assign") return [step.value];
  if (step.kind === "write patiently") return [step.chunk];
  return step.kind === "pipe" ? step.chunks : [];
}

function programsFor(server: ServerName): fc.Arbitrary<Program> {
  return fc.record({
    server: fc.constant(server),
    front: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(middleware(server), { maxLength: 2 }) },
    ),
    behind: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(middleware(server), { maxLength: 2 }) },
    ),
    layers: layersOf(server),
    store: rarely(fc.constantFrom("at once", "after turns"), fc.constant("after 20 ms"), 12),
    method: rarely(fc.constant("GET"), fc.constantFrom("HEAD", "POST"), 6),
    version: rarely(fc.constant("1.1"), fc.constant("1.0"), 12),
    encodings: fc.constantFrom(undefined, "gzip", "br, gzip"),
    visitor: fc.constantFrom("new", "anonymous", "logged in"),
    client: rarely(fc.constant("reads"), fc.constantFrom("reads slowly", "leaves at the first byte"), 8),
    steps: steps(server),
  });
}

function rarely<const T, const U>(
  usual: fc.Arbitrary<T>,
  other: fc.Arbitrary<U>,
  oneIn: number,
): fc.Arbitrary<T | U> {
  return fc.oneof({ weight: oneIn - 1, arbitrary: usual }, { weight: 1, arbitrary: other });
}

function layersOf(server: ServerName): fc.Arbitrary<Program["layers"]> {
  // Around a handler there is no middleware between.
  if (server === "http" || server === "http2") return fc.constant("one");
  return rarely(fc.constant("one"), fc.constantFrom("two", "two, used between"), 8);
}

function middleware(server: ServerName): fc.Arbitrary<string> {
  return fc.constantFrom(...middlewareNames(server));
}

const letter = fc.constantFrom("a", "b", "c", "d");
const usualChunk: fc.Arbitrary<Value> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(literal("page"), literal("data: 1\n\n"), literal("ä"), literal("")),
  },
  { weight: 2, arbitrary: letter.map((of) => longText(of, 2000)) },
  { weight: 1, arbitrary: letter.map((of) => longText(of, 120_000)) },
  { weight: 1, arbitrary: letter.map((of) => buffer(of, 150_000)) },
  { weight: 1, arbitrary: letter.map((of) => buffer(of, 7)) },
  { weight: 1, arbitrary: fc.constant(bytes(9)) },
);
const noChunk: fc.Arbitrary<Value> = fc.constantFrom(
  literal({}),
  literal(5),
  literal(true),
  literal(null),
  literal(undefined),
  literal(["a"]),
);
const chunk = rarely(usualChunk, noChunk, 14);
/** An unknown one throws, is called back, or neither, by what else there is; there are known programs with one. */
const encoding = fc.constantFrom(literal("utf8"), literal("latin1"), literal("hex"), literal("base64"));

/** What `write` and `end` are given. */
const written: fc.Arbitrary<readonly Value[]> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(chunk) },
  { weight: 2, arbitrary: fc.tuple(chunk, fc.constant(callback)) },
  { weight: 1, arbitrary: fc.tuple(chunk, encoding) },
  { weight: 1, arbitrary: fc.tuple(chunk, encoding, fc.constant(callback)) },
);
const ended: fc.Arbitrary<readonly Value[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.constant([callback]) },
  { weight: 1, arbitrary: fc.constant([literal(undefined), literal(undefined), callback]) },
  { weight: 5, arbitrary: written },
);

const usualName = fc.constantFrom(
  "X-One",
  "x-two",
  "Content-Type",
  "Vary",
  "Set-Cookie",
  "Cache-Control",
  "ETag",
  "Link",
);
// An empty one is taken in some heads and not in others; there are known programs with it.
const badName = fc.constantFrom("x bad", "x:y");
const usualValue: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  "1",
  "text/plain",
  "text/html",
  5,
  ["p=1", "q=2"],
  "public, max-age=60",
  "Accept",
);
const badValue: fc.Arbitrary<unknown> = fc.constantFrom<unknown>("a\nb", undefined, "\u0000", "ü€");
const name = rarely(usualName, badName, 20);
/** Each with a list of its own: Node adds to the very list that it was given. */
const value = rarely(usualValue, badValue, 20).map((each) =>
  Array.isArray(each) ? (each as unknown[]).slice() : each,
);
const status = rarely(
  fc.constantFrom<unknown>(200, 201, 302, 404, 500),
  fc.constantFrom<unknown>(204, 304, "200", 99, 1000, Number.NaN, undefined, 200.7, null, "no"),
  5,
);

const pairs = fc.array(fc.tuple(name, value), { maxLength: 3 });
const headers: fc.Arbitrary<Value> = rarely(
  pairs.map((each) => literal(Object.fromEntries(each))),
  fc.oneof(
    pairs.map((each) => literal(each.flat())),
    pairs.map((each) => literal(each)),
    fc.constantFrom(literal(["x-odd"]), literal(null), literal(5)),
  ),
  3,
);
const heads: fc.Arbitrary<readonly Value[]> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(status.map(literal)) },
  { weight: 5, arbitrary: fc.tuple(status.map(literal), headers) },
  // One that is refused Node keeps, and refuses it again with whatever is sent next; there is a known program with it.
  { weight: 1, arbitrary: fc.tuple(status.map(literal), fc.constant(literal("Made"))) },
  { weight: 1, arbitrary: fc.tuple(status.map(literal), fc.constant(literal("Made")), headers) },
  { weight: 1, arbitrary: fc.tuple(status.map(literal), fc.constant(literal(undefined)), headers) },
);

function call(callName: string, args: fc.Arbitrary<readonly Value[]> = fc.constant([])): fc.Arbitrary<Step> {
  return args.map((given) => ({ kind: "call", name: callName, args: given }));
}

const header: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: call("setHeader", fc.tuple(name.map(literal), value.map(literal))) },
  { weight: 1, arbitrary: call("appendHeader", fc.tuple(name.map(literal), usualValue.map(literal))) },
  { weight: 1, arbitrary: call("removeHeader", fc.tuple(name.map(literal))) },
  { weight: 1, arbitrary: call("getHeader", fc.tuple(usualName.map(literal))) },
  { weight: 1, arbitrary: call("hasHeader", fc.tuple(usualName.map(literal))) },
  { weight: 1, arbitrary: call("setHeader", fc.constant([literal("Content-Type"), literal("text/plain")])) },
  {
    weight: 1,
    arbitrary: call(
      "setHeader",
      fc.tuple(fc.constant(literal("Content-Length")), fc.constantFrom(literal(4), literal("2000"))),
    ),
  },
);

const head: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: call("writeHead", heads) },
  {
    weight: 2,
    arbitrary: status.map((given): Step => ({ kind: "assign", name: "statusCode", value: literal(given) })),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step>({ kind: "assign", name: "statusMessage", value: literal("Odd") }),
  },
  { weight: 2, arbitrary: call("flushHeaders") },
);

const early: fc.Arbitrary<Step> = fc.oneof(
  call("writeContinue"),
  call("writeProcessing"),
  call("writeEarlyHints", fc.constant([literal({ link: "</a.css>; rel=preload; as=style" })])),
);

const body: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: call("write", written) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("write patiently"),
      chunk: usualChunk,
      times: fc.constantFrom(1, 2, 5),
    }),
  },
  { weight: 1, arbitrary: call("cork") },
  { weight: 1, arbitrary: call("uncork") },
  {
    weight: 1,
    arbitrary: call(
      "addTrailers",
      fc.constantFrom([literal({ "x-late": "1" })], [literal({ "x bad": "1" })]),
    ),
  },
);

const wait: fc.Arbitrary<Step> = fc.constantFrom(0, 1, 3, 12).map((turns) => ({ kind: "wait", turns }));

const session: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("session"),
  use: fc.constantFrom(...sessionUses),
  isAwaited: rarely(fc.constant(true), fc.constant(false), 10),
});

const mishap: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constantFrom<Step>({ kind: "fail", how: "throw" }, { kind: "fail", how: "next" }),
  },
  { weight: 1, arbitrary: call("destroy", fc.constantFrom([], [error])) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "destroy the socket" }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: "leave" }) },
);

function whole(server: ServerName): fc.Arbitrary<Step> {
  const plain: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: call("end", ended) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("pipe"),
        how: fc.constantFrom("pipe", "pipeline"),
        chunks: fc.array(
          usualChunk.filter(({ code }) => code !== '""'),
          { minLength: 1, maxLength: 4 },
        ),
      }),
    },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: "send a file" }) },
  );
  if (server.startsWith("http2"))
    return rarely(plain, fc.constant<Step>({ kind: "respond by the stream" }), 12);
  if (!server.startsWith("express")) return plain;
  const express: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 3,
      arbitrary: call("send", fc.tuple(fc.oneof(usualChunk, fc.constant(literal({ page: true }))))),
    },
    {
      weight: 2,
      arbitrary: call(
        "json",
        fc.constantFrom([literal({ page: true })], [literal({ long: "x".repeat(60) })]),
      ),
    },
    { weight: 1, arbitrary: call("redirect", fc.constant([literal("/next")])) },
    {
      weight: 1,
      arbitrary: call("sendStatus", fc.constantFrom([literal(201)], [literal(204)], [literal(500)])),
    },
  );
  return fc.oneof({ weight: 1, arbitrary: plain }, { weight: 1, arbitrary: express });
}

function steps(server: ServerName): fc.Arbitrary<Step[]> {
  const before = fc.oneof(
    { weight: 5, arbitrary: header },
    { weight: 3, arbitrary: head },
    { weight: 5, arbitrary: session },
    { weight: 2, arbitrary: wait },
    { weight: 1, arbitrary: early },
    { weight: 3, arbitrary: body },
    { weight: 1, arbitrary: mishap },
  );
  const after = fc.oneof(
    { weight: 3, arbitrary: header },
    { weight: 2, arbitrary: head },
    { weight: 3, arbitrary: session },
    { weight: 2, arbitrary: wait },
    { weight: 3, arbitrary: body },
    { weight: 4, arbitrary: whole(server) },
    { weight: 1, arbitrary: mishap },
  );
  return fc
    .tuple(
      fc.array(before, { maxLength: 6 }),
      rarely(
        whole(server).map((step) => [step]),
        fc.constant<Step[]>([]),
        12,
      ),
      rarely(fc.constant<Step[]>([]), fc.array(after, { minLength: 1, maxLength: 3 }), 3),
    )
    .map((parts) => parts.flat());
}

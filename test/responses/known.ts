import { callback, literal, longText } from "./program.ts";
import type { Program, PendingChanges, Step, Value } from "./program.ts";

const turn: Step = { kind: "wait", turns: 2 };
const html: Step = call("setHeader", literal("Content-Type"), literal("text/html"));

/** Programs that once behaved differently with sessions, to be run before random ones. */
export const knownPrograms: readonly Program[] = [
  // Wrapped before the sessions.
  ...["compression()", "httpCompression({ threshold: 0 })", "polkaCompression({ threshold: 0 })"].flatMap(
    (front) => [
      program({ server: "express5", front: [front] }, use("set"), html, call("send", longText("a", 2000))),
      program({ server: "express4", front: [front] }, use("set"), html, { kind: "send a file" }),
      program({ front: [front] }, use("set"), html, patiently(5), call("end")),
      program({ front: [front] }, use("set"), html, {
        kind: "pipe",
        how: "pipeline",
        chunks: [longText("a", 120_000), longText("b", 120_000)],
      }),
    ],
  ),
  program({ front: ["mung.headers(…)"] }, use("set"), call("end")),
  program({ front: ["counting"] }, use("set"), call("write", literal("pa")), call("end", literal("ge"))),
  program({ front: ["gathering"] }, use("set"), call("write", literal("pa")), call("end", literal("ge"))),
  program(
    { server: "express5", front: ["mung.headersAsync(…)"] },
    use("login"),
    call("send", literal("page")),
  ),
  // Wrapped behind the sessions.
  program(
    { server: "express5", behind: ["mung.headersAsync(…)"] },
    use("login"),
    call("send", literal("page")),
  ),
  ...["compression()", "compression({ threshold: 0 })"].map((behind) =>
    program(
      { behind: [behind] },
      use("set"),
      html,
      call("flushHeaders"),
      call("write", literal("data: 1\n\n")),
      { kind: "wait", turns: 3 },
      call("end", literal("data: 2\n\n")),
    ),
  ),
  ...["compression({ threshold: 0 })", "httpCompression({ threshold: 0 })"].map((behind) =>
    program({ behind: [behind] }, use("set"), html, call("write", literal("page")), turn, {
      kind: "pipe",
      how: "pipe",
      chunks: [longText("a", 120_000), longText("b", 120_000)],
    }),
  ),
  program({ server: "http2", method: "HEAD" }, use("set"), call("write", longText("a", 120_000)), {
    kind: "pipe",
    how: "pipe",
    chunks: [longText("b", 120_000)],
  }),
  // Wrong arguments.
  program(
    {},
    use("login"),
    call("writeHead", literal("200"), literal({ "x-one": "1" })),
    call("end", literal("page")),
  ),
  program({}, use("login"), call("end", literal({})), { kind: "fail", how: "throw" }),
  program({}, call("write", literal({})), use("read"), call("end", literal("page"))),
  program({}, call("writeHead", literal(200), literal(["x-odd"])), call("end", literal("sorry"))),
  program({}, call("writeHead", literal(200), literal("a\nb")), call("end", literal("sorry"))),
  program({}, call("writeHead", literal(204), literal(["x-odd"])), call("end", longText("a", 2000))),
  program(
    { server: "express5" },
    call("writeHead", literal(201), literal({ "": "1", "x-one": "1" })),
    call("end", literal("page")),
  ),
  program(
    { server: "express4" },
    call(
      "writeHead",
      literal(201),
      literal([
        ["x-one", "1"],
        ["x-two", "1"],
      ]),
    ),
    call("end", literal("page")),
  ),
  program({ server: "http2" }, use("set"), call("end", callback), call("end", literal("page"), callback)),
  program({ server: "http2" }, call("writeHead", literal(500), literal(null)), call("end", literal("page"))),
  program({}, use("set"), call("write", literal("a"), literal("nonsense"), callback), call("end", callback)),
  program({ server: "http2" }, use("login"), { kind: "respond by the stream" }),
  program({ server: "http2" }, use("login"), call("writeHead", literal("200")), call("end", literal("page"))),
  // Answered twice.
  program({}, use("set"), call("end", literal("one")), call("end", literal("two"))),
  program(
    {},
    use("set"),
    call("end", literal("one")),
    turn,
    call("write", literal("two"), callback),
    call("end"),
  ),
  program({ server: "express5" }, use("set"), call("send", literal("one")), call("send", literal("two"))),
  program(
    { server: "express4" },
    use("set"),
    call("send", literal("one")),
    turn,
    call("json", literal({ two: 2 })),
  ),
  program({ server: "http2" }, use("set"), call("end", literal("one")), turn, call("end", literal("two"))),
  program({}, use("set"), call("write", longText("a", 2000), callback), { kind: "destroy the socket" }),
  program(
    { server: "express5", behind: ["mung.write(…)"], method: "HEAD" },
    use("set"),
    call("write", longText("a", 2000), callback),
    { kind: "fail", how: "throw" },
  ),
  // The visitor goes away.
  program({}, { kind: "leave" }, turn, use("set"), call("end", literal("page"))),
  program(
    { server: "express5", visitor: "logged in" },
    { kind: "leave" },
    turn,
    use("flash"),
    call("send", literal("page")),
  ),
  program(
    { server: "http2", front: ["httpCompression({ threshold: 0 })"], client: "reads slowly" },
    { kind: "leave" },
    use("login"),
    patiently(2),
    call("end"),
  ),
  program(
    { server: "connect", front: ["polkaCompression({ threshold: 0 })"] },
    use("flash"),
    { kind: "leave" },
    { kind: "write patiently", chunk: literal("page"), times: 1 },
  ),
  program({ server: "http2", method: "HEAD" }, use("set"), { kind: "leave" }, call("end", callback)),
  // The same sessions twice.
  program({ server: "express5", layers: "two, used between" }, use("login"), call("send", literal("page"))),
  program({ server: "connect", layers: "two" }, use("login"), call("end", literal("page"))),
];

function program(own: Partial<Program>, ...steps: Step[]): Program {
  return {
    server: "http",
    front: [],
    behind: [],
    layers: "one",
    store: "after turns",
    method: "GET",
    version: "1.1",
    encodings: "gzip",
    visitor: "new",
    client: "reads",
    ...own,
    steps,
  };
}

function call(name: string, ...args: Value[]): Step {
  return { kind: "call", name, args };
}

function use(what: PendingChanges): Step {
  return { kind: "session", use: what, isAwaited: true };
}

function patiently(times: number): Step {
  return { kind: "write patiently", chunk: longText("a", 120_000), times };
}

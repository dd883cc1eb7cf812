/** A guard taken out of the sources, and the test that must notice. */
export interface Mutant {
  /** What goes wrong without the guard. */
  readonly name: string;
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The test file that must fail, and a pattern for the names of the tests in it. */
  readonly test: string;
  readonly pattern: string;
}

function race(name: string, number: string, file: string, find: string, replace: string): Mutant {
  return {
    name,
    file,
    find,
    replace,
    test: "test/contracts/races.test.ts",
    pattern: `^${number} .*memory, fetch`,
  };
}

export const mutants: readonly Mutant[] = [
  race(
    "every read moves the idle clock",
    "S1",
    "src/services/timeouts.ts",
    "return now - record.lastSeenAt >= Math.min(record.idleTimeout / 10, 60_000);",
    "return now - record.lastSeenAt >= Math.min(record.idleTimeout / 10, 0);",
  ),
  race(
    "a commit writes back everything it has read",
    "S2",
    "src/session/commit.ts",
    "const patch = { ...changes, ...due };",
    "const patch = { ...changes, ...due, retain: [], set: new Map([...record.fields, ...changes.set]) };",
  ),
  race(
    "an update does not look at what it replaces",
    "S3",
    "src/session/update.ts",
    "...(expected === undefined ? {} :",
    "...(true ? {} :",
  ),
  race(
    "a patch is applied whatever its epoch",
    "S4",
    "src/record/record.ts",
    "record.epoch !== patch.epoch ||",
    "",
  ),
  race(
    "a request that comes just after the logout begins a session",
    "S4",
    "src/session/load.ts",
    "const canStart = now - record.ticketAt > lateRequestWindow;",
    "const canStart = now - record.ticketAt >= 0 || lateRequestWindow > 0;",
  ),
  race(
    "a logout does nothing where a rotation was faster",
    "S4",
    "src/session/record-handle.ts",
    "const record = this.#record ?? this.#rotated;",
    "const record = this.#record ?? undefined;",
  ),
  race(
    "a request whose write found the session gone begins another",
    "S4",
    "src/session/record-handle.ts",
    `    this.#canStart = false;
    this.cookie.yield();`,
    `    this.#canStart = true;
    this.cookie.clear();`,
  ),
  race(
    "a login goes on in the epoch of the anonymous visitor",
    "S5",
    "src/session/login.ts",
    "epoch: record.epoch + 1,",
    "epoch: record.epoch,",
  ),
  race(
    "a rotation does not look whether its ticket is still the current one",
    "S5",
    "src/session/record-handle.ts",
    "this.replaceTicket({ expect: { verifier } })",
    "this.replaceTicket({})",
  ),
  race(
    "the cookie of a login is dropped when the handler fails",
    "S6",
    "src/exchange/exchange.ts",
    'fate === "failed" || failure !== undefined ? own :',
    'fate === "failed" || failure !== undefined ? [] :',
  ),
  race(
    "data is kept when the handler fails",
    "S6",
    "src/exchange/exchange.ts",
    'if (end === "threw" || end.status >= 500) return "failed";',
    'if (end === "threw") return "seen";',
  ),
  race(
    "records are read from a copy for ever",
    "S7",
    "src/services/store-client.ts",
    'return this.#call("read", () => this.store.read(id, this.#clock.now(), authoritative));',
    `const copies: Map<string, MaybePromise<SessionRecord | null>> = Reflect.get(this.#events, "copies") ?? new Map();
    Reflect.set(this.#events, "copies", copies);
    if (!copies.has(id)) copies.set(id, this.store.read(id, this.#clock.now(), authoritative));
    return copies.get(id) ?? null;`,
  ),
  race(
    "a ticket is taken for its id alone",
    "S8",
    "src/session/load.ts",
    "if (!verifiersEqual(record.verifier, ticket.verifier))",
    "if (!verifiersEqual(record.verifier, ticket.verifier) && now < 0)",
  ),
  race(
    "a logout clears the cookie and nothing else",
    "S8",
    "src/session/record-handle.ts",
    "const outcome = await this.calls.patch(record.id, endingPatch(record.epoch, now));",
    'const outcome = { kind: Math.abs(record.epoch) < 0 ? "gone" : "applied" };',
  ),
  race(
    "messages are shown whoever won their removal",
    "F1",
    "src/session/flashes.ts",
    "} else if (removed.includes(name)) {",
    '} else if (removed.includes(name) || name !== "") {',
  ),
  race(
    "messages of a page that failed are not given back",
    "F1",
    "src/session/commit.ts",
    "if (flashes === undefined || flashes.taken().size === 0) return undefined;",
    "if (flashes === undefined || flashes.taken().size >= 0) return undefined;",
  ),
];

/** A guard taken out of the sources, and the test that must notice. */
export interface Mutant {
  /** What goes wrong without the guard. */
  readonly name: string;
  /**
   * Code that stands exactly once in all of src, wherever that is: white space, comments and trailing commas do not
   * count. Of code that stands in several places, as much as tells one of them from the others.
   */
  readonly find: string;
  readonly replace: string;
  /** The test file that must fail, and a pattern for the names of the tests in it. */
  readonly test: string;
  readonly pattern: string;
}

function race(name: string, number: string, find: string, replace: string): Mutant {
  return {
    name,
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
    "return now - record.lastSeenAt >= Math.min(record.idleTimeout / 10, 60_000);",
    "return now - record.lastSeenAt >= Math.min(record.idleTimeout / 10, 0);",
  ),
  race(
    "a commit writes back everything it has read",
    "S2",
    "const patch = { ...changes, ...due };",
    "const patch = { ...changes, ...due, retain: [], set: new Map([...record.fields, ...changes.set]) };",
  ),
  race(
    "an update does not look at what it replaces",
    "S3",
    "...(expected === undefined ? {} :",
    "...(true ? {} :",
  ),
  race("a patch is applied whatever its epoch", "S4", "record.epoch !== patch.epoch ||", ""),
  race(
    "a request that comes just after the logout begins a session",
    "S4",
    "const canStart = now - record.ticketAt > lateRequestWindow;",
    "const canStart = now - record.ticketAt >= 0 || lateRequestWindow > 0;",
  ),
  race(
    "a logout does nothing where a rotation was faster",
    "S4",
    "const record = this.#record ?? this.#rotated;",
    "const record = this.#record ?? undefined;",
  ),
  race(
    "a request whose write found the session gone begins another",
    "S4",
    "this.#canStart = false; this.cookie.withdraw();",
    "this.#canStart = true; this.cookie.clear();",
  ),
  race(
    "a login goes on in the epoch of the anonymous visitor",
    "S5",
    "epoch: record.epoch + 1, subject: to.subject,",
    "epoch: record.epoch, subject: to.subject,",
  ),
  race(
    "a rotation does not look whether its ticket is still the current one",
    "S5",
    "this.replaceTicket({ expect: { verifier } })",
    "this.replaceTicket({})",
  ),
  race(
    "the cookie of a login is dropped when the handler fails",
    "S6",
    'outcome === "failed" || failure !== undefined ? own :',
    'outcome === "failed" || failure !== undefined ? [] :',
  ),
  race(
    "data is kept when the handler fails",
    "S6",
    'if (end === "threw" || end.status >= 500) return "failed";',
    'if (end === "threw") return "page";',
  ),
  race(
    "records are read from a copy for ever",
    "S7",
    'return this.#call("read", () => this.store.read(id, this.#clock.now(), authoritative));',
    `const copies: Map<string, MaybePromise<SessionRecord | null>> = Reflect.get(this.#events, "copies") ?? new Map();
    Reflect.set(this.#events, "copies", copies);
    if (!copies.has(id)) copies.set(id, this.store.read(id, this.#clock.now(), authoritative));
    return copies.get(id) ?? null;`,
  ),
  race(
    "a ticket is taken for its id alone",
    "S8",
    "if (!verifiersEqual(record.verifier, ticket.verifier))",
    "if (!verifiersEqual(record.verifier, ticket.verifier) && now < 0)",
  ),
  race(
    "a logout clears the cookie and nothing else",
    "S8",
    "const outcome = await this.calls.patch(record.id, endingPatch(record.epoch, now));",
    'const outcome = { kind: Math.abs(record.epoch) < 0 ? "gone" : "applied" };',
  ),
  race(
    "messages are shown whoever won their removal",
    "F1",
    "} else if (removed.includes(name)) {",
    '} else if (removed.includes(name) || name !== "") {',
  ),
  race(
    "messages of a page that failed are not given back",
    "F1",
    "if (flashes === undefined || flashes.taken().size === 0) return undefined;",
    "if (flashes === undefined || flashes.taken().size >= 0) return undefined;",
  ),
];

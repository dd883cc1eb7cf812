import { createSessions, generateSecret } from "coatcheck";
import type { Store } from "coatcheck";
import { expressSession } from "coatcheck/express-session";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import type { PatchOutcome, SessionRecord, Patch } from "coatcheck/store";
import type { ProbedCall } from "coatcheck/testing";
import type { Contender, Shop } from "./contender.ts";
import type { Entries, StoreStep } from "./trace.ts";

type Fields = SessionRecord["fields"];

/** Coatcheck behind the middleware for handlers of express-session, in a memory store. */
export const coatcheckContender: Contender = coatcheckOn(memoryStore);

/** The same on stores of another kind. */
export function coatcheckOn(openStore: () => Store): Contender {
  return {
    name: "Coatcheck",
    open(track) {
      const secret = generateSecret();
      const probe = probeStore(openStore());
      const { store } = probe;
      const copies = new Map<string, SessionRecord>();
      probe.around = async (call, run) => {
        const isStale = call.operation === "read" && track.isStale();
        const result = isStale ? (copies.get(call.id) ?? null) : await run();
        for (const step of stepsOf(call, result, isStale)) track.report(step);
        return result as Awaited<ReturnType<typeof run>>; // oxlint-disable-line no-unsafe-type-assertion
      };
      const { slowService } = track;
      const maxAge = 24 * 60 * 60 * 1_000;
      const sessions = createSessions<Shop>({
        secret,
        store,
        cookie: { name: "sid", secure: false },
        developmentWarnings: false,
      });
      return {
        setUp(app, routes) {
          app.use(
            expressSession(sessions, {
              subject: (data) => data.user,
              cookie: { maxAge },
            }),
          );
          app.use(routes);
        },
        handlers: {
          async addOne(req, res) {
            const session = await sessions.of(req);
            await slowService();
            const count = await session.update("count", (n = 0) => n + 1);
            res.send(`You have ${count}.`);
          },
          async saveProfile(req, res) {
            const session = await sessions.of(req);
            session.flash("Saved.", "info");
            res.redirect("/");
          },
          async showMessages(req, res) {
            const session = await sessions.of(req);
            await slowService();
            const messages = await session.takeFlashes();
            res.send(messages.map(({ message }) => message).join() || "No messages.");
          },
        },
        async sessions() {
          const records = await probe.records();
          return records
            .filter((record) => !isEnded(record))
            .map(({ id, fields }) => ({ id, entries: entriesOf(fields) }));
        },
        // Its ticket is `id.secret.mac`.
        idOf: (cookie) => cookie.split(".", 1)[0] ?? "",
        async copy() {
          for (const record of await probe.records()) copies.set(record.id, record);
        },
        close: () => sessions.close(),
      };
    },
  };
}

/** What a call of the store did. */
function* stepsOf(call: ProbedCall, result: unknown, isStale: boolean): Generator<StoreStep> {
  if (call.operation === "create") {
    yield { kind: "creates", entries: entriesOf(call.record.fields) };
  } else if (call.operation === "read") {
    const record = result as SessionRecord | null; // oxlint-disable-line no-unsafe-type-assertion
    const found = record === null || isEnded(record) ? undefined : entriesOf(record.fields);
    yield { kind: "reads", found, isStale };
  } else if (call.operation === "patch") {
    yield stepOf(call.patch, result as PatchOutcome); // oxlint-disable-line no-unsafe-type-assertion
  }
}

function stepOf({ columns, retain, set, remove = [] }: Patch, outcome: PatchOutcome): StoreStep {
  // A new epoch ends what requests in progress know of the session; and no field stays.
  if (columns?.epoch !== undefined && retain?.length === 0) return { kind: "ends" };
  const entries = entriesOf(set ?? new Map());
  if (Object.keys(entries).length === 0 && remove.length === 0) return { kind: "touches" };
  // Of two requests that take one message, only one has removed it.
  const removed = outcome.kind === "applied" ? outcome.removed : [];
  return { kind: "changes", set: entries, removed: removed.map(keyOf), outcome: outcome.kind };
}

/** Whether a record is what is left of a session for a minute after its end, so that late writes find it ended. */
function isEnded({ epoch, subject, fields }: SessionRecord): boolean {
  return epoch > 0 && subject === null && fields.size === 0;
}

/** The data and the messages among a record's fields, which are not sealed in a memory store. */
function entriesOf(fields: Fields): Entries {
  const entries: Record<string, unknown> = {};
  for (const [name, bytes] of fields) {
    const value = (): unknown => JSON.parse(Buffer.from(bytes).toString());
    if (name.startsWith("d:")) entries[keyOf(name)] = value();
    // A category and a message.
    else if (name.startsWith("f:")) entries[keyOf(name)] = [value()].flat().at(-1);
  }
  return entries;
}

/** The key of a field; `flash` for a message. */
function keyOf(name: string): string {
  return name.startsWith("f:") ? "flash" : name.slice(2);
}

import { packRecord, unpackRecord } from "../../record/binary/record.ts";
import { layPatch } from "../../record/patch.ts";
import { expiresAt } from "../../record/record.ts";
import { decodePatch } from "./wire.ts";
import type { Answer, Call, OutcomeOnWire, RecordOnWire, Row } from "./wire.ts";

/** What {@link SessionShard} uses of its state. */
export interface DurableObjectStateLike {
  readonly storage: {
    readonly sql: {
      exec(sql: string, ...values: (string | number | null)[]): { toArray(): unknown[] };
    };
  };
}

/**
 * The Durable Object class of {@link durableObjectStore}: export it from your Worker. Each object keeps a part of the records in its own SQLite
 * database. It sets no alarm, and does nothing between requests.
 */
export class SessionShard {
  readonly #state: DurableObjectStateLike;
  #isReady = false;

  constructor(state: DurableObjectStateLike) {
    this.#state = state;
  }

  /** Handles a call of the store. No other Worker can reach it, unless you bind this class there, too. */
  async fetch(request: { json(): Promise<unknown> }): Promise<Response> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the store calls this
    const call = (await request.json()) as Call;
    return Response.json(this.#answer(call));
  }

  /** Nothing is awaited from here on: the object does one call after the other, and each as a whole. */
  #answer(call: Call): Answer {
    const clock = Date.now();
    if (!this.#prepare()) return { clock, problem: "no-sql" };
    if ("deadline" in call && clock >= call.deadline) return { clock, problem: "late" };
    if (call.operation === "create") return { clock, result: this.#create(call.row) };
    if (call.operation === "read") return { clock, result: this.#find(call.id, call.now) ?? null };
    if (call.operation === "list") return { clock, result: this.#list(call.subject, call.now) };
    if (call.operation === "sweep") return { clock, result: this.#sweep(call.now, call.limit) };
    const result = this.#patch(call);
    return result === undefined ? { clock, problem: "unreadable" } : { clock, result };
  }

  /** Creates the table at the first call. Returns `false` if this class was not given SQLite storage. */
  #prepare(): boolean {
    if (this.#isReady) return true;
    try {
      // Without SQLite storage the property throws.
      if (typeof this.#state.storage.sql.exec !== "function") return false;
    } catch {
      return false;
    }
    for (const statement of [
      "CREATE TABLE IF NOT EXISTS coatcheck_session (id TEXT PRIMARY KEY, subject TEXT, expires_at REAL NOT NULL, record TEXT NOT NULL) WITHOUT ROWID",
      "CREATE INDEX IF NOT EXISTS coatcheck_session_subject ON coatcheck_session (subject) WHERE subject IS NOT NULL",
      "CREATE INDEX IF NOT EXISTS coatcheck_session_expires_at ON coatcheck_session (expires_at)",
    ])
      this.#rows(statement);
    this.#isReady = true;
    return true;
  }

  #create({ id, subject, expiresAt: end, record }: Row): boolean {
    const sql = "INSERT INTO coatcheck_session VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING id";
    return this.#rows(sql, id, subject, end, record).length === 1;
  }

  #find(id: string, now: number): RecordOnWire | undefined {
    const sql = "SELECT id, record FROM coatcheck_session WHERE id = ? AND expires_at > ?";
    return this.#rows(sql, id, now)[0];
  }

  /** Returns `undefined` if the record is unreadable. */
  #patch({ id, patch, now }: Call & { operation: "patch" }): OutcomeOnWire | undefined {
    const row = this.#find(id, now);
    if (row === undefined) return { kind: "gone" };
    const record = unpackRecord(id, Buffer.from(row.record, "base64").toString("latin1"));
    if (record === undefined) return undefined;
    const { outcome, next } = layPatch(record, decodePatch(patch), now);
    if (next !== undefined) {
      const packed = Buffer.from(packRecord(next), "latin1").toString("base64");
      const end = expiresAt(next);
      // Unchanged columns are left out, so that their indexes are not written again, which would be billed.
      if (next.subject === record.subject && end === expiresAt(record))
        this.#rows("UPDATE coatcheck_session SET record = ? WHERE id = ?", packed, id);
      else {
        const sql = "UPDATE coatcheck_session SET record = ?, subject = ?, expires_at = ? WHERE id = ?";
        this.#rows(sql, packed, next.subject, end, id);
      }
    }
    return outcome.kind === "conflict" ? { kind: "conflict", record: row } : outcome;
  }

  #list(subject: string, now: number): RecordOnWire[] {
    return this.#rows(
      "SELECT id, record FROM coatcheck_session WHERE subject = ? AND expires_at > ?",
      subject,
      now,
    );
  }

  #sweep(now: number, limit: number): number {
    const sql =
      "DELETE FROM coatcheck_session WHERE id IN (SELECT id FROM coatcheck_session WHERE expires_at <= ? LIMIT ?) RETURNING id";
    return this.#rows(sql, now, limit).length;
  }

  #rows(sql: string, ...values: (string | number | null)[]): RecordOnWire[] {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the columns that the statements above name
    return this.#state.storage.sql.exec(sql, ...values).toArray() as RecordOnWire[];
  }
}

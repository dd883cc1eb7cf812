import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { StoreError } from "coatcheck";
import type { Store } from "coatcheck";
import type { SessionRecord } from "coatcheck/store";

/** What became of the calls of a load. */
export interface AuditReport {
  readonly calls: number;
  readonly acknowledged: number;
  /** How often each error came, by code. */
  readonly errors: Readonly<Record<string, number>>;
  /** In milliseconds, of all calls. */
  readonly p99: number;
  readonly slowest: number;
  /** From the end of the fault until every worker had an acknowledged write again. */
  readonly recovery: number;
}

/** A value that may be there though nobody was told so: its call failed, and may have been carried out until then. */
interface Unsure {
  readonly value: number | "ended";
  readonly until: number;
}

/** One session under load, with everything that its one worker knows of it. */
class Audited {
  readonly id: string = randomBytes(16).toString("base64url");
  epoch = 0;
  acknowledged = 0;
  unsure: Unsure[] = [];

  /** Checks what was found against what was acknowledged, and takes it for known. */
  saw(record: SessionRecord | null, asked: number): void {
    assert.ok(record, `${this.id}: an acknowledged session is gone`);
    const held = record.fields.get("d:n");
    const value = held === undefined ? 0 : Number(Buffer.from(held).toString());
    const mayEnd = this.unsure.some((one) => one.value === "ended");
    assert.ok(
      record.epoch === this.epoch || (mayEnd && record.epoch === this.epoch + 1),
      `${this.id}: epoch ${record.epoch} where ${this.epoch} was acknowledged`,
    );
    assert.ok(
      value === this.acknowledged || this.unsure.some((one) => one.value === value),
      `${this.id}: ${value} where ${this.acknowledged} was acknowledged`,
    );
    if (record.epoch !== this.epoch) this.unsure = this.unsure.filter((one) => one.value !== "ended");
    this.epoch = record.epoch;
    this.know(value, asked);
  }

  /** What was written at `asked` or later stands; what failed before its own deadline then can't follow. */
  know(value: number, asked: number): void {
    this.acknowledged = value;
    this.unsure = this.unsure.filter((one) => one.until > asked);
  }
}

/**
 * Load on a store, by workers that keep account of every acknowledged call: a write that was
 * acknowledged stays, a session that ended stays ended, a message is won once, and what failed is
 * carried out before its deadline or never.
 */
export class StoreAudit {
  readonly #store: Store;
  /** How long after its start a call that failed may still be carried out, in milliseconds. */
  readonly #deadline: number;
  readonly #witness: Store | undefined;
  readonly #sessions: Audited[] = [];
  readonly #durations: number[] = [];
  readonly #errors: Record<string, number> = {};
  readonly #workers: Promise<void>[] = [];
  /** When each worker's turns succeeded. */
  readonly #writes: number[][] = [];
  #acknowledged = 0;
  #counter = 0;
  #stopped = false;

  /**
   * @param witness another way to the same records, which the fault spares. It looks at a session when
   *   a call on it failed and its deadline is over; what is carried out after that came too late.
   */
  constructor(store: Store, deadline: number, witness?: Store) {
    this.#store = store;
    this.#deadline = deadline;
    this.#witness = witness;
    for (let at = 0; at < 16; at++) {
      const work = this.#work(at);
      // A broken promise of the store ends the load; `finish` throws it.
      void work.catch(() => (this.#stopped = true));
      this.#workers.push(work);
    }
  }

  /** Goes on until every worker has written since the fault ended, stops, and checks every session once more. */
  async finish(faultEnded: number): Promise<AuditReport> {
    const patience = faultEnded + 15_000;
    const firsts = (): (number | undefined)[] =>
      this.#writes.map((times) => times.find((time) => time >= faultEnded));
    while (!this.#stopped && performance.now() < patience && firsts().includes(undefined)) await wait(10);
    const recovery = Math.max(...firsts().map((time) => (time ?? Infinity) - faultEnded));
    this.#stopped = true;
    await Promise.all(this.#workers);
    // What failed may still be carried out until then.
    if (this.#sessions.some(({ unsure }) => unsure.length > 0)) await wait(this.#deadline + 100);
    for (const session of this.#sessions) {
      session.saw(await this.#store.read(session.id, Date.now(), true), performance.now());
    }
    const durations = this.#durations.toSorted((one, other) => one - other);
    return {
      calls: durations.length,
      acknowledged: this.#acknowledged,
      errors: this.#errors,
      p99: Math.round(durations[Math.floor(durations.length * 0.99)] ?? 0),
      slowest: Math.round(durations.at(-1) ?? 0),
      recovery: Math.round(recovery),
    };
  }

  async #work(worker: number): Promise<void> {
    const writes: number[] = [];
    this.#writes[worker] = writes;
    let session: Audited | undefined;
    for (let turn = 0; !this.#stopped; turn++) {
      try {
        session = await this.#turn(session, turn);
        writes.push(performance.now());
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        this.#errors[error.code] = (this.#errors[error.code] ?? 0) + 1;
        await wait(5);
        if (session !== undefined && this.#witness !== undefined) await this.#look(session, this.#witness);
      }
    }
  }

  async #look(session: Audited, witness: Store): Promise<void> {
    const over = Math.max(0, ...session.unsure.map(({ until }) => until)) + 1;
    await wait(Math.max(0, over - performance.now()));
    const asked = performance.now();
    session.saw(await witness.read(session.id, Date.now()), asked);
  }

  /** A new session, or a few calls on the one that there is. */
  async #turn(session: Audited | undefined, turn: number): Promise<Audited | undefined> {
    if (session === undefined) {
      const born = new Audited();
      // Failed, it may be there or not; nobody knows its id.
      assert.equal(await this.#timed(() => this.#store.create(recordOf(born.id))), true);
      this.#sessions.push(born);
      return born;
    }
    const asked = performance.now();
    if (turn % 10 === 0)
      session.saw(await this.#timed(() => this.#store.read(session.id, Date.now())), asked);
    if (turn % 25 === 5) await this.#flash(session);
    if (turn % 40 === 7) return this.#end(session);
    await this.#write(session);
    return session;
  }

  async #write(session: Audited): Promise<void> {
    const value = ++this.#counter;
    const asked = performance.now();
    const set = new Map([["d:n", Buffer.from(String(value))]]);
    // Where everything is known, it must be there still.
    const held = session.acknowledged === 0 ? null : Buffer.from(String(session.acknowledged));
    const expect = session.unsure.length === 0 && { fields: new Map([["d:n", held]]) };
    const patch = { epoch: session.epoch, set, ...(expect && { expect }) };
    try {
      const outcome = await this.#timed(() => this.#store.patch(session.id, patch, Date.now()));
      if (outcome.kind === "applied") session.know(value, asked);
      else if (outcome.kind === "conflict") session.saw(outcome.record, asked);
      else this.#mayBeGone(session);
    } catch (error) {
      session.unsure.push({ value, until: asked + this.#deadline });
      throw error;
    }
  }

  /** Ends it as a logout does: nothing of its epoch may be written any more. */
  async #end(session: Audited): Promise<undefined> {
    const asked = performance.now();
    const patch = { epoch: session.epoch, columns: { epoch: session.epoch + 1 } };
    try {
      const { kind } = await this.#timed(() => this.#store.patch(session.id, patch, Date.now()));
      if (kind === "applied") session.epoch++;
      else this.#mayBeGone(session);
    } catch (error) {
      session.unsure.push({ value: "ended", until: asked + this.#deadline });
      throw error;
    }
    const late = { epoch: session.epoch - 1, set: new Map([["d:n", Buffer.from("0")]]) };
    const { kind } = await this.#timed(() => this.#store.patch(session.id, late, Date.now()));
    assert.equal(kind, "gone", `${session.id}: a write of an ended epoch was applied`);
  }

  #mayBeGone(session: Audited): void {
    assert.ok(
      session.unsure.some((one) => one.value === "ended"),
      `${session.id}: gone, though nobody ended it`,
    );
    session.epoch++;
    session.unsure = session.unsure.filter((one) => one.value !== "ended");
  }

  /** One message, and three who want it: one gets it, if all calls were answered. */
  async #flash(session: Audited): Promise<void> {
    const name = `f:${++this.#counter}`;
    const set = new Map([[name, Buffer.from("once")]]);
    const put = await this.#timed(() =>
      this.#store.patch(session.id, { epoch: session.epoch, set }, Date.now()),
    );
    if (put.kind !== "applied") {
      this.#mayBeGone(session);
      return;
    }
    const takes = await Promise.allSettled(
      [1, 2, 3].map(async () =>
        this.#timed(() =>
          this.#store.patch(session.id, { epoch: session.epoch, remove: [name] }, Date.now()),
        ),
      ),
    );
    const answers = takes.flatMap((take) => (take.status === "fulfilled" ? [take.value] : []));
    const won = answers.filter((answer) => answer.kind === "applied" && answer.removed.length === 1).length;
    assert.ok(won <= 1, `${name} was won ${won} times`);
    const failed = takes.find((take) => take.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    if (answers.every(({ kind }) => kind === "applied")) assert.equal(won, 1, `${name} was won by nobody`);
  }

  async #timed<T>(call: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      const answer = await call();
      this.#acknowledged++;
      return answer;
    } finally {
      this.#durations.push(performance.now() - started);
    }
  }
}

function recordOf(id: string): SessionRecord {
  const now = Date.now();
  return {
    id,
    epoch: 0,
    verifier: randomBytes(32),
    ticketAt: now,
    subject: "audit",
    createdAt: now,
    authenticatedAt: now,
    lastSeenAt: now,
    idleTimeout: 3_600_000,
    absoluteDeadline: now + 86_400_000,
    permanent: false,
    revision: 1,
    fields: new Map(),
  };
}

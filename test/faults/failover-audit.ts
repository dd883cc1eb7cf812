import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { StoreError } from "coatcheck";
import type { Store } from "coatcheck";
import type { SessionRecord } from "coatcheck/store";

/** What a failover did to what had been acknowledged. */
export interface Losses {
  readonly acknowledged: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Sessions whose acknowledged end was undone. */
  readonly resurrected: number;
  /** Sessions that lost an acknowledged write of data, or all. */
  readonly lost: number;
  /** How long before the fault's end the oldest of the writes that were lost was acknowledged, in milliseconds. */
  readonly window: number;
  readonly p99: number;
  readonly slowest: number;
  readonly recovery: number;
}

/** One session: written a few times, then ended; what was acknowledged of that, and when. */
interface Account {
  readonly id: string;
  value: number;
  valueAt: number;
  epoch: number;
  endedAt: number;
}

/** Load as of people who come, do something and log out; kept account of. */
export class FailoverAudit {
  readonly #store: Store;
  readonly #accounts: Account[] = [];
  readonly #durations: number[] = [];
  readonly #errors: Record<string, number> = {};
  readonly #workers: Promise<void>[];
  readonly #successes: number[][];
  #acknowledged = 0;
  #stopped = false;

  constructor(store: Store, workers = 16) {
    this.#store = store;
    this.#successes = Array.from({ length: workers }, () => []);
    this.#workers = this.#successes.map(async (successes) => this.#work(successes));
  }

  /** @param began when the fault did, @param ended when it was over, both of `performance.now()`. */
  async finish(began: number, ended: number): Promise<Losses> {
    const firsts = (): number[] =>
      this.#successes.map((times) => times.find((time) => time >= ended) ?? Infinity);
    while (Math.max(...firsts()) === Infinity && performance.now() < ended + 20_000) await wait(20);
    this.#stopped = true;
    await Promise.all(this.#workers);
    // Workers take new ids; whether all the old ones can be reached again is another question in a cluster.
    const found = new Map<string, SessionRecord | null>();
    let reachedAt = Math.max(...firsts());
    for (const { id } of this.#accounts) {
      for (let tries = 1; !found.has(id); tries++) {
        try {
          found.set(id, await this.#store.read(id, Date.now(), true));
          if (tries > 1) reachedAt = performance.now();
        } catch (error) {
          if (performance.now() > ended + 10_000) throw error;
          await wait(20);
        }
      }
    }
    const losses = { resurrected: 0, lost: 0, window: 0 };
    for (const account of this.#accounts) {
      const record = found.get(account.id) ?? null;
      const value = Number(Buffer.from(record?.fields.get("d:n") ?? []).toString());
      const resurrected = record !== null && record.epoch < account.epoch;
      const lost = record === null || (record.epoch === account.epoch && value < account.value);
      if (resurrected) losses.resurrected++;
      if (lost) losses.lost++;
      const at = resurrected ? account.endedAt : account.valueAt;
      if (resurrected || lost) losses.window = Math.max(losses.window, ended - at);
      // The wire to the replica goes through this process, and lags as it does.
      if (resurrected || lost) assert.ok(at > began - 2000, "what was lost is from before the fault");
    }
    const durations = this.#durations.toSorted((one, other) => one - other);
    return {
      acknowledged: this.#acknowledged,
      errors: this.#errors,
      ...losses,
      window: Math.round(losses.window),
      p99: Math.round(durations[Math.floor(durations.length * 0.99)] ?? 0),
      slowest: Math.round(durations.at(-1) ?? 0),
      recovery: Math.round(Math.max(0, reachedAt - ended)),
    };
  }

  async #work(successes: number[]): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#visit(successes);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        this.#errors[error.code] = (this.#errors[error.code] ?? 0) + 1;
        await wait(5);
      }
    }
  }

  /** Without a second replica nobody can log out durably any more, so that is no part of a success. */
  async #visit(successes: number[]): Promise<void> {
    const now = Date.now();
    const id = randomBytes(16).toString("base64url");
    const columns = {
      ticketAt: now,
      createdAt: now,
      lastSeenAt: now,
      idleTimeout: 1e7,
      absoluteDeadline: now + 1e7,
    };
    const rest = { subject: null, authenticatedAt: null, permanent: false, revision: 1, fields: new Map() };
    await this.#timed(() =>
      this.#store.create({ id, epoch: 0, verifier: randomBytes(32), ...columns, ...rest }),
    );
    const account: Account = { id, value: 0, valueAt: performance.now(), epoch: 0, endedAt: 0 };
    this.#accounts.push(account);
    for (let value = 1; value <= 3; value++) {
      const set = new Map([["d:n", Buffer.from(String(value))]]);
      await this.#timed(() => this.#store.patch(id, { epoch: 0, set }, Date.now()));
      account.value = value;
      account.valueAt = performance.now();
    }
    successes.push(performance.now());
    const end = { epoch: 0, columns: { epoch: 1 } };
    const { kind } = await this.#timed(() => this.#store.patch(id, end, Date.now()));
    if (kind !== "applied") return;
    account.epoch = 1;
    account.endedAt = performance.now();
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

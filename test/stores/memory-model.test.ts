// The memory store beside a model of it that is made of maps: they must answer the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionRecord } from "coatcheck/store";
import { memoryStore } from "coatcheck/memory";
import { randomFrom } from "../support/random.ts";
import { recordOf } from "../support/records.ts";

/** When nothing has expired yet: what is not found then is gone. */
const everything = 0;

class Model {
  readonly #most: number;
  /** Each in the order of their last write. */
  readonly anonymous = new Map<string, SessionRecord>();
  readonly loggedIn = new Map<string, SessionRecord>();

  constructor(most: number) {
    this.#most = most;
  }

  get all(): SessionRecord[] {
    return [...this.anonymous.values(), ...this.loggedIn.values()];
  }

  find(id: string): SessionRecord | undefined {
    return this.anonymous.get(id) ?? this.loggedIn.get(id);
  }

  /** @param isGone whether the store, where it has done the same already, holds a record no longer. */
  create(record: SessionRecord, isGone: (id: string) => boolean): boolean {
    if (this.find(record.id) !== undefined) return false;
    if (this.anonymous.size + this.loggedIn.size >= this.#most) {
      const gone = this.dispensable(record.lastSeenAt).filter(({ id }) => isGone(id));
      assert.equal(gone.length, 1, "one makes room");
      this.remove(gone[0]?.id ?? "");
    }
    this.write(record);
    return true;
  }

  /** Of which one makes room; several only where subjects have equally many. */
  dispensable(now: number): SessionRecord[] {
    const firsts = [this.anonymous, this.loggedIn].flatMap((records) => [...records.values()].slice(0, 1));
    const expired = firsts.find((record) => record.lastSeenAt + record.idleTimeout <= now);
    if (expired !== undefined) return [expired];
    if (this.anonymous.size > 0) return firsts.slice(0, 1);
    const groups = [...Map.groupBy(this.loggedIn.values(), ({ subject }) => subject).values()];
    const most = Math.max(...groups.map(({ length }) => length));
    if (most === 1) return firsts.slice(0, 1);
    return groups.filter(({ length }) => length === most).flatMap((group) => group.slice(0, 1));
  }

  write(record: SessionRecord): void {
    this.remove(record.id);
    (record.subject === null ? this.anonymous : this.loggedIn).set(record.id, record);
  }

  remove(id: string): void {
    this.anonymous.delete(id);
    this.loggedIn.delete(id);
  }
}

/** What is compared of a record. */
function gist(record: SessionRecord | null | undefined): unknown {
  if (!record) return null;
  const { id, subject, revision, lastSeenAt, fields } = record;
  return { id, subject, revision, lastSeenAt, user: fields.get("d:user")?.[0] };
}

function gistsOf(records: readonly SessionRecord[]): unknown[] {
  return records.toSorted((one, other) => (one.id < other.id ? -1 : 1)).map(gist);
}

for (const { most, ids, subjects, steps, life } of [
  { most: 1, ids: 3, subjects: 2, steps: 2000, life: 10 },
  { most: 40, ids: 100, subjects: 5, steps: 10_000, life: 300 },
  { most: 500, ids: 600, subjects: 400, steps: 20_000, life: 3000 },
  { most: 1_000_000, ids: 10_000, subjects: 1000, steps: 40_000, life: 40_000 },
]) {
  test(`at most ${most} records are found, listed, put out and swept as in a map`, async (t) => {
    const seed = most;
    t.diagnostic(`seed ${seed}`);
    const pick = randomFrom(seed);
    const store = memoryStore({ maxRecords: most });
    const model = new Model(most);
    const anySubject = (): string | null => (pick(3) === 0 ? null : `subject ${pick(subjects)}`);

    const isSame = async (): Promise<void> => {
      for (let at = 0; at < ids; at++)
        assert.deepEqual(gist(await store.read(`id ${at}`, everything)), gist(model.find(`id ${at}`)));
      const members = Map.groupBy(model.all, ({ subject }) => subject);
      for (let at = 0; at < subjects; at++) {
        const listed = await store.list(`subject ${at}`, everything);
        assert.deepEqual(gistsOf(listed), gistsOf(members.get(`subject ${at}`) ?? []));
      }
    };

    for (let now = 1; now <= steps; now++) {
      const id = `id ${pick(ids)}`;
      const held = model.find(id);
      switch (pick(8)) {
        case 0:
        case 1:
        case 2:
        case 3: {
          const fields = new Map([["d:user", Uint8Array.of(pick(256))]]);
          const idleTimeout = 1 + pick(life);
          const record = recordOf({ id, subject: anySubject(), lastSeenAt: now, idleTimeout, fields });
          const isCreated = await store.create(record);
          const isGone = (each: string): boolean => store.read(each, everything) === null;
          assert.equal(model.create(record, isGone), isCreated, `step ${now}`);
          break;
        }
        case 4:
        case 5: {
          const columns = { lastSeenAt: now, ...(pick(2) === 0 ? { subject: anySubject() } : {}) };
          const { kind } = await store.patch(id, { epoch: 0, columns }, everything);
          assert.equal(kind, held === undefined ? "gone" : "applied", `step ${now}`);
          if (held !== undefined) model.write({ ...held, ...columns, revision: held.revision + 1 });
          break;
        }
        case 6:
          assert.deepEqual(gist(await store.read(id, everything)), gist(held), `step ${now}`);
          break;
        default: {
          if (pick(10) !== 0) break;
          const limit = pick(20);
          const expired = model.all.filter((each) => each.lastSeenAt + each.idleTimeout <= now);
          const count = await store.sweep(now, limit);
          assert.equal(count, Math.min(limit, expired.length), `step ${now}`);
          for (const each of expired)
            if ((await store.read(each.id, everything)) === null) model.remove(each.id);
        }
      }
      if (now % (steps / 4) === 0) await isSame();
    }
    assert.equal(await store.sweep(1e15, 1e9), model.all.length);
    for (const each of model.all) model.remove(each.id);
    await isSame();
  });
}

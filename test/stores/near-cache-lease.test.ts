// When the near cache is believed: its connection is a made-up one here, and its time stands still.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { SessionRecord } from "coatcheck/store";
import { NearCache } from "../../src/stores/redis/near-cache.ts";
import type { InvalidationClient } from "../../src/stores/redis/near-cache.ts";
import { toHash } from "../../src/stores/redis/record-hash.ts";

const record: SessionRecord = {
  id: "AAAAAAAAAAAAAAAAAAAAAA",
  epoch: 0,
  revision: 1,
  verifier: new Uint8Array(32),
  ticketAt: 0,
  subject: null,
  createdAt: 0,
  authenticatedAt: null,
  lastSeenAt: 0,
  idleTimeout: 1000,
  absoluteDeadline: 100_000,
  permanent: false,
  fields: new Map(),
};

/** A connection that answers at once. */
class Connection extends EventEmitter implements InvalidationClient {
  isReady = true;
  readonly options = { emitInvalidate: true };

  async sendCommand(...args: unknown[]): Promise<unknown> {
    const [[name]] = args as [string[]];
    return name === "PING" ? "PONG" : toHash(record).map((each) => Buffer.from(each));
  }
}

/** A cache that holds the record, and its time. */
async function given(t: TestContext) {
  const time = { now: 1000 };
  t.mock.method(performance, "now", () => time.now);
  const connection = new Connection();
  const cache = new NearCache({ connection }, (id) => `key:${id}`);
  const direct = async (): Promise<null> => null;
  // The first read asks for a sign of life.
  await cache.read(record.id, direct);
  await new Promise((resolve) => setImmediate(resolve));
  assert.notEqual(await cache.read(record.id, direct), null);
  return { time, connection, cache };
}

test("what was read is recalled at once, for a second after the last sign of life", async (t) => {
  const { time, cache } = await given(t);
  assert.equal(cache.recall(record.id)?.revision, 1);
  time.now += 1000;
  assert.equal(cache.recall(record.id)?.revision, 1);
  time.now += 1;
  assert.equal(cache.recall(record.id), undefined);
});

test("recalling is no sign of life", async (t) => {
  const { time, cache } = await given(t);
  for (let step = 0; step < 10; step++) {
    time.now += 100;
    assert.notEqual(cache.recall(record.id), undefined);
  }
  time.now += 1;
  assert.equal(cache.recall(record.id), undefined);
});

test("nothing is recalled while the connection is not ready, nor when it was lost and is back", async (t) => {
  const { connection, cache } = await given(t);
  connection.isReady = false;
  assert.equal(cache.recall(record.id), undefined);
  connection.emit("reconnecting");
  connection.isReady = true;
  assert.equal(cache.recall(record.id), undefined);
});

for (const event of ["error", "end", "reconnecting", "terminated"]) {
  test(`nothing is recalled after the connection said ${event}`, async (t) => {
    const { connection, cache } = await given(t);
    connection.emit(event);
    assert.equal(cache.recall(record.id), undefined);
  });
}

test("what was changed is not recalled, by whomever", async (t) => {
  const { connection, cache } = await given(t);
  connection.emit("invalidate", `key:${record.id}`);
  assert.equal(cache.recall(record.id), undefined);
  await cache.read(record.id, async () => null);
  assert.notEqual(cache.recall(record.id), undefined);
  cache.forget(record.id);
  assert.equal(cache.recall(record.id), undefined);
});

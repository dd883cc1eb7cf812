import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions } from "coatcheck";
import type { SessionsOptions } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { fastifySessions } from "coatcheck/fastify";
import { fetchSessions, requireLogin } from "coatcheck/fetch";
import { h3Sessions } from "coatcheck/h3";
import { honoSessions } from "coatcheck/hono";
import { koaSessions } from "coatcheck/koa";
import { memoryStore } from "coatcheck/memory";
import { nextSessions } from "coatcheck/next";
import { nodeSessions } from "coatcheck/node";
import { postgresStore } from "coatcheck/postgres";
import { redisStore } from "coatcheck/redis";
import { sqliteStore } from "coatcheck/sqlite";

/** Options of `createSessions` with one misspelled name, and what the error must say about it. */
const misspelled: Record<string, readonly [object, RegExp]> = {
  createSessions: [{ idleTimeuot: { hours: 1 } }, /^createSessions has no option "idleTimeuot"\./],
  limits: [{ limits: { byte: 1 } }, /^limits has no option "byte"\. Known options: bytes, keys, .*\.$/],
  crossOrigin: [
    { crossOrigin: { strcit: true } },
    /^crossOrigin has no option "strcit"\. Known options: origins, .*, strict\.$/,
  ],
  developmentWarnings: [
    { developmentWarnings: { otherKeys: true } },
    /^developmentWarnings has no option "otherKeys"\. Known options: .*, otherKey, .*\.$/,
  ],
};

for (const [owner, [options, message]] of Object.entries(misspelled)) {
  test(`a misspelled option of ${owner} is refused with its name and the known ones`, () => {
    assert.throws(
      () =>
        createSessions({ secret: undefined, store: memoryStore(), ...(options as Partial<SessionsOptions>) }),
      { name: "ConfigError", code: "CONFIG_INVALID", message },
    );
  });
}

const sessions = createSessions({ secret: undefined, store: memoryStore() });
// As JavaScript calls them, where no type says what is wrong.
const wrong = { tiemout: 5 } as object as never;
const client = { sendCommand() {}, on() {}, off() {}, options: {} };

/** What takes options besides `createSessions`. */
const owners: Record<string, () => unknown> = {
  memoryStore: () => memoryStore(wrong),
  sqliteStore: () => sqliteStore(wrong),
  postgresStore: () => postgresStore(wrong),
  redisStore: () => redisStore(wrong),
  durable: () => redisStore({ client, durable: wrong } as object as never),
  expressSessions: () => expressSessions(sessions, wrong),
  fastifySessions: () => fastifySessions(sessions, wrong),
  fetchSessions: () => fetchSessions(sessions, () => new Response(), wrong),
  h3Sessions: () => h3Sessions(sessions, wrong),
  honoSessions: () => honoSessions(sessions, wrong),
  koaSessions: () => koaSessions(sessions, wrong),
  nextSessions: () => nextSessions(sessions, wrong),
  nodeSessions: () => nodeSessions(sessions, wrong),
  requireLogin: () => requireLogin(sessions, () => new Response(), wrong),
};

for (const [owner, make] of Object.entries(owners)) {
  test(`a misspelled option of ${owner} is refused with its name and the known ones`, () => {
    assert.throws(make, {
      name: "ConfigError",
      code: "CONFIG_INVALID",
      message: new RegExp(`^${owner} has no option "tiemout"\\. Known options: \\w+`),
    });
  });
}

test("onError is an option of nodeSessions around a handler, and not of middleware, where nothing would call it", () => {
  const onError = (): void => {};
  nodeSessions(sessions, () => {}, { onError });
  assert.throws(() => nodeSessions(sessions, { onError } as object), /nodeSessions has no option "onError"/);
});

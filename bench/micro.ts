// What the parts of a request cost, without sockets: `npm run bench -- --micro` starts it. Prints JSON.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSessions } from "coatcheck";
import type { Sessions, Store } from "coatcheck";
import type { RequestLike } from "coatcheck/adapter";
import type { SessionRecord } from "coatcheck/store";
import { memoryStore } from "coatcheck/memory";
import { postgresStore } from "coatcheck/postgres";
import { redisStore } from "coatcheck/redis";
import { sqliteStore } from "coatcheck/sqlite";
import { FieldCodec } from "../src/services/field-codec.ts";
import { createKeyring } from "../src/crypto/keyring.ts";
import { toBinaryString } from "../src/runtime/binary-string.ts";
import { createSealer } from "../src/crypto/sealer.ts";
import {
  createTicketSigner,
  newRecordId,
  newTicket,
  verifierOf,
  verifiersEqual,
} from "../src/crypto/ticket.ts";
import { decodeValue, encodeValue } from "../src/services/values.ts";
import { recordOf } from "../test/support/records.ts";
import { hearingRedisClient, pgPool, redisClient, redisPrefix } from "./clients.ts";
import { secret, setting, user } from "./site.ts";
import { time } from "./stopwatch.ts";
import type { Timing } from "./stopwatch.ts";
import { exchangesOf } from "coatcheck/adapter";

/** The output of this program. */
export interface MicroResult {
  readonly parts: readonly Timing[];
  readonly stores: readonly {
    readonly store: string;
    readonly read: Timing;
    readonly patch: Timing;
    readonly exchange: Timing;
  }[];
}

interface Data {
  user: string;
}

async function parts(): Promise<Timing[]> {
  const keyring = createKeyring(secret);
  const office = createTicketSigner(keyring, "__Host-Http-session");
  const sealer = createSealer(keyring, "field");
  const id = newRecordId();
  const ticket = newTicket(id);
  const value = office.sign(ticket);
  const forged = `${value.slice(0, -2)}${value.endsWith("AA") ? "Qg" : "AA"}`;
  const verifier = verifierOf(ticket);
  const plain = Buffer.from(JSON.stringify(user));
  const sealed = sealer.seal(id, "d:user", plain);
  // More than a `sessions` object caches.
  const strangers = Array.from({ length: 20_000 }, () => {
    const one = newTicket(newRecordId());
    return { id: one.id, value: office.sign(one), sealed: sealer.seal(one.id, "d:user", plain) };
  });
  const stranger = (turn: number) => strangers[turn % strangers.length] ?? { id, value, sealed };
  const codec = new FieldCodec(sealer, { emit: () => undefined });
  const known = toBinaryString(codec.encode(id, "d:user", plain.toString()));
  const cart = { items: [{ id: 17, name: "Coat", price: 129.5 }], at: new Date(0), tags: new Set(["a"]) };
  const text = encodeValue(cart, "cart", 32);
  return [
    await time("check a ticket", (turn) => office.verify(stranger(turn).value)),
    await time("check a ticket that was verified recently", () => office.verify(value)),
    await time("refuse a forged ticket", () => office.verify(forged)),
    await time("check the verifier", () => verifiersEqual(verifier, verifierOf(ticket))),
    await time("sign a ticket", () => office.sign(ticket)),
    await time("seal a field", () => sealer.seal(id, "d:user", plain)),
    await time("unseal a field", (turn) => {
      const one = stranger(turn);
      return sealer.unseal(one.id, "d:user", one.sealed);
    }),
    await time("unseal a field of a record that was used recently", () =>
      sealer.unseal(id, "d:user", sealed),
    ),
    await time("read a field that was unsealed recently", () => codec.decode(id, "d:user", known)),
    await time("encode a name", () => encodeValue(user, "user", 32)),
    await time("decode a name", () => decodeValue('"Lea"')),
    await time("encode a cart with a Date and a Set", () => encodeValue(cart, "cart", 32)),
    await time("decode a cart with a Date and a Set", () => decodeValue(text)),
  ];
}

function newRecord(id: string): SessionRecord {
  const now = Date.now();
  return recordOf(
    {
      id,
      verifier: new Uint8Array(32).fill(7),
      subject: "42",
      authenticatedAt: now,
      absoluteDeadline: now + 86_400_000,
      fields: new Map([["d:user", Buffer.alloc(40, 1)]]),
    },
    now,
  );
}

async function ofStore(store: string, opened: Store): Promise<MicroResult["stores"][number]> {
  const ids = Array.from({ length: 1000 }, newRecordId);
  for (const id of ids) await opened.create(newRecord(id));
  const idAt = (turn: number): string => ids[turn % ids.length] ?? "";
  const read = await time("read", (turn) => opened.read(idAt(turn), Date.now()));
  const patch = await time("patch", (turn) => {
    const set = new Map([["d:count", Buffer.alloc(36, turn)]]);
    return opened.patch(idAt(turn), { epoch: 0, set }, Date.now());
  });
  const sessions = createSessions<Data>({ secret, store: opened });
  const requests = await loggedIn(sessions);
  const exchange = await time("exchange", (turn) => readOnce(sessions, requests[turn % requests.length]));
  return { store, read, patch, exchange };
}

/** Requests of visitors who are logged in. */
async function loggedIn(sessions: Sessions<Data>): Promise<RequestLike[]> {
  const requests: RequestLike[] = [];
  for (let visitor = 0; visitor < 1000; visitor++) {
    const request: RequestLike = { method: "POST", header: () => null };
    const exchange = exchangesOf(sessions).begin(request, [request]);
    const session = await exchange.run(() => sessions.of(request));
    await session.login(String(visitor));
    session.set("user", user);
    const { headers } = await exchange.commit({ status: 200 });
    const [cookie = ""] = (headers.setCookies[0] ?? "").split(";");
    requests.push({ method: "GET", header: (name) => (name === "cookie" ? cookie : null) });
  }
  return requests;
}

/** Does what an adapter and a handler do for a request that reads. */
async function readOnce(sessions: Sessions<Data>, request: RequestLike | undefined): Promise<void> {
  if (request === undefined) return;
  const incoming = { ...request };
  if (!exchangesOf(sessions).allows(incoming)) throw new Error("The request was refused.");
  const exchange = exchangesOf(sessions).begin(incoming, [incoming]);
  const name = await exchange.run(async () => (await sessions.of(incoming)).get("user"));
  if (name !== user) throw new Error("The session has lost its data.");
  await exchange.commit({ status: 200 });
}

const folder = mkdtempSync(join(tmpdir(), "coatcheck-micro-"));
const result: MicroResult = {
  parts: await parts(),
  stores: [
    await ofStore("memory", memoryStore()),
    await ofStore("SQLite", sqliteStore({ path: join(folder, "sessions.db") })),
    await ofStore(
      "Redis",
      redisStore({ client: await redisClient(), prefix: redisPrefix("micro"), onWarning: () => {} }),
    ),
    await ofStore(
      "Redis with near cache",
      redisStore({
        client: await redisClient(),
        prefix: redisPrefix("micro-near"),
        nearCache: { connection: await hearingRedisClient() },
        onWarning: () => {},
      }),
    ),
    await ofStore(
      "PostgreSQL",
      postgresStore({ client: pgPool(), schema: setting("BENCH_SCHEMA"), table: "micro" }),
    ),
  ],
};
rmSync(folder, { recursive: true, force: true });
process.stdout.write(JSON.stringify(result), () => process.exit());

// A process that works on a store file: started by sqlite.test.ts with the file, a task and its arguments.

import { once } from "node:events";
import process from "node:process";
import type { SessionRecord } from "coatcheck/store";
import { sqliteStore } from "coatcheck/sqlite";
import { recordOf } from "../support/records.ts";

const [path = "", task = "", ...args] = process.argv.slice(2);

/** A number as the bytes of a field. */
const bytesOf = (number: number): Uint8Array => new TextEncoder().encode(String(number));

async function open(): Promise<void> {
  const store = sqliteStore({ path });
  await store.read("AAAAAAAAAAAAAAAAAAAAAA", 0);
  await store.close();
}

/** Adds 1 to the record's counter as often as asked, each time whatever others have made of it meanwhile. */
async function increment(id: string, times: number): Promise<void> {
  const store = sqliteStore({ path });
  for (let done = 0; done < times;) {
    const record = await store.read(id, Date.now());
    const bytes = record?.fields.get("d:n") ?? null;
    const next = bytesOf(Number(bytes === null ? 0 : Buffer.from(bytes).toString()) + 1);
    const expect = { fields: new Map([["d:n", bytes]]) };
    const outcome = await store.patch(id, { epoch: 0, expect, set: new Map([["d:n", next]]) }, Date.now());
    if (outcome.kind === "applied") done++;
  }
  await store.close();
}

/** Creates and patches records for ever, and says which write has been acknowledged, one line each. */
async function writeForEver(template: SessionRecord): Promise<void> {
  const store = sqliteStore({ path });
  for (let number = 0; ; number++) {
    const id = Buffer.alloc(16, number.toString(36).padStart(4, "0")).toString("base64url");
    await store.create({ ...template, id });
    if (!process.stdout.write(`created ${id}\n`)) await once(process.stdout, "drain");
    const columns = number % 2 === 0 ? { epoch: 1, subject: null } : {};
    await store.patch(id, { epoch: 0, set: new Map([["d:n", bytesOf(number)]]), columns }, Date.now());
    if (!process.stdout.write(`${number % 2 === 0 ? "ended" : "patched"} ${id} ${number}\n`))
      await once(process.stdout, "drain");
  }
}

if (task === "open") await open();
if (task === "increment") await increment(args[0] ?? "", Number(args[1]));
if (task === "write") {
  const now = Date.now();
  await writeForEver(recordOf({ id: "", subject: "ana", authenticatedAt: now }, now));
}

import { createHash } from "node:crypto";
import { systemClock } from "../../runtime/clock.ts";
import { forEachLimited } from "../../runtime/time-slices.ts";
import type { SessionRecord } from "../../record/record.ts";
import { hashOf } from "./record-hash.ts";
import type { Replication, ScriptCalls } from "./script-calls.ts";
import { addToIndex, healIndex } from "./scripts.ts";

/**
 * Which ids a subject may have: a hash from id to when it was added. It stands under a key of its own,
 * maybe on another server than the records, so the two are never changed together. Therefore an id is
 * added before the record gets the subject, and one too many is no harm: whoever lists looks at the
 * records, and takes out what has been there for long without a record that belongs to it.
 */
export class SubjectIndex {
  readonly #scripts: ScriptCalls;
  readonly #readHash: (key: string) => Promise<unknown>;
  readonly #prefix: string;
  /** Subjects with many ids here, to be looked through at the next sweep. */
  readonly #crowded = new Set<string>();

  constructor(scripts: ScriptCalls, readHash: (key: string) => Promise<unknown>, prefix: string) {
    this.#scripts = scripts;
    this.#readHash = readHash;
    this.#prefix = `${prefix}subject:`;
  }

  /**
   * Makes a subject's list lead to an id.
   *
   * @param life for how many milliseconds, at least.
   * @param until as `ScriptCalls.run` has it.
   */
  async add(
    subject: string,
    id: string,
    life: number,
    until: number,
    replication?: Replication,
  ): Promise<void> {
    // Clocks differ between machines, and a list that ends before its records hides them.
    const args = [String(Math.max(0, life) + slack), id];
    const key = this.#keyOf(subject);
    const [, size] = await this.#scripts.run("patch", addToIndex, key, args, until, replication);
    if (Number(size) > crowd && this.#crowded.size < maxCrowded) this.#crowded.add(subject);
  }

  /**
   * The subject's records, expired ones among them.
   *
   * @param readRecord the record, `null` for none, `undefined` for one that can't be read.
   */
  async list(
    subject: string,
    readRecord: (id: string) => Promise<SessionRecord | null | undefined>,
  ): Promise<SessionRecord[]> {
    const added = hashOf(await this.#readHash(this.#keyOf(subject))) ?? new Map<string, Buffer>();
    const found: { readonly id: string; readonly record: SessionRecord | null | undefined }[] = [];
    await forEachLimited(added.keys(), readsAtOnce, systemClock, async (id) => {
      found.push({ id, record: await readRecord(id) });
      return true;
    });
    const strays = found.filter(({ record }) => record === null || record?.subject !== subject);
    // One damaged record must not hide a person's other sessions from them, nor be forgotten.
    const gone = strays.filter(({ record }) => record !== undefined).map(({ id }) => id);
    if (gone.length > 0) await this.#heal(subject, gone, added);
    return found.flatMap(({ record }) => (record?.subject === subject ? record : []));
  }

  /** Heals lists that had grown long, at most so many; healing all others waits until somebody looks at them. */
  async sweep(
    limit: number,
    readRecord: (id: string) => Promise<SessionRecord | null | undefined>,
  ): Promise<void> {
    const subjects = [...this.#crowded].slice(0, limit);
    for (const subject of subjects) {
      this.#crowded.delete(subject);
      await this.list(subject, readRecord);
    }
  }

  async #heal(subject: string, ids: readonly string[], added: ReadonlyMap<string, Buffer>): Promise<void> {
    for (let at = 0; at < ids.length; at += batch) {
      const pairs = ids.slice(at, at + batch).flatMap((id) => [id, added.get(id) ?? ""]);
      try {
        await this.#scripts.run(
          "list",
          healIndex,
          this.#keyOf(subject),
          [String(age), ...pairs],
          this.#scripts.until(performance.now()),
        );
      } catch {
        // The list is right without it, and the next one tries again.
        return;
      }
    }
  }

  /** No subject's name is in a key: it may be long, or personal, or hold what means something in a pattern. */
  #keyOf(subject: string): string {
    return this.#prefix + createHash("sha256").update(subject).digest("base64url");
  }
}

const slack = 3_600_000;
/** How long an id without a record stays: much longer than a record's write can come after it. */
const age = 60_000;
const crowd = 32;
const maxCrowded = 10_000;
const batch = 500;
/** A list of thousands must not keep the connection's other commands waiting. */
const readsAtOnce = 100;

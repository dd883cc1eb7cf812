import { createHash } from "node:crypto";
import { systemClock } from "../../runtime/clock.ts";
import { forEachLimited } from "../../runtime/time-slices.ts";
import type { SessionRecord } from "../../record/record.ts";
import { hashOf } from "./record-hash.ts";
import type { Replication, ScriptCalls } from "./script-calls.ts";
import { addToIndex, healIndex } from "./scripts.ts";

/**
 * The ids that may belong to a subject: a hash from id to the time it was added. It has its own key, which may
 * be on another server than the records, so both cannot change atomically. Therefore an id is added before its
 * record gets the subject, and a superfluous id is harmless: `list` reads the records, and removes ids that
 * have been there for long without a matching record.
 */
export class SubjectIndex {
  readonly #scripts: ScriptCalls;
  readonly #readHash: (key: string) => Promise<unknown>;
  readonly #prefix: string;
  /** Subjects with many ids, whose index the next sweep cleans up. */
  readonly #crowded = new Set<string>();

  constructor(scripts: ScriptCalls, readHash: (key: string) => Promise<unknown>, prefix: string) {
    this.#scripts = scripts;
    this.#readHash = readHash;
    this.#prefix = `${prefix}subject:`;
  }

  /**
   * Adds an id to a subject's index.
   *
   * @param life how many milliseconds the index must live at least.
   * @param until the deadline, as in `ScriptCalls.run`.
   */
  async add(
    subject: string,
    id: string,
    life: number,
    until: number,
    replication?: Replication,
  ): Promise<void> {
    // Clocks differ between machines, and an index that expires before its records would hide them.
    const args = [String(Math.max(0, life) + slack), id];
    const key = this.#keyOf(subject);
    const [, size] = await this.#scripts.run("patch", addToIndex, key, args, until, replication);
    if (Number(size) > crowd && this.#crowded.size < maxCrowded) this.#crowded.add(subject);
  }

  /**
   * Returns the subject's records, including expired ones.
   *
   * @param readRecord returns the record, `null` if there is none, `undefined` if it can't be read.
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
    // A damaged record must not hide a person's other sessions, nor be removed from the index.
    const gone = strays.filter(({ record }) => record !== undefined).map(({ id }) => id);
    if (gone.length > 0) await this.#heal(subject, gone, added);
    return found.flatMap(({ record }) => (record?.subject === subject ? record : []));
  }

  /** Cleans up at most `limit` indexes that have grown long. Others are cleaned up when they are listed. */
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
        // The listed records are correct without it, and the next `list` tries again.
        return;
      }
    }
  }

  /** Keys contain a hash of the subject, which itself may be long, personal, or contain pattern characters. */
  #keyOf(subject: string): string {
    return this.#prefix + createHash("sha256").update(subject).digest("base64url");
  }
}

/** How many milliseconds an index outlives its records, since clocks differ. */
const slack = 3_600_000;
/** How many milliseconds an id without a record is kept: far longer than the write of its record can take. */
const age = 60_000;
/** The number of ids above which a sweep cleans up an index. */
const crowd = 32;
/** The most indexes that are remembered for a sweep. */
const maxCrowded = 10_000;
/** The most ids that are removed in one script. */
const batch = 500;
/** Limited so that a list of thousands does not delay the connection's other commands. */
const readsAtOnce = 100;

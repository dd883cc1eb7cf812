import { randomBytes } from "node:crypto";
import { LimitError, MisuseError } from "../errors.ts";
import { fieldName, flashPrefix, isFlashField } from "../services/field-codec.ts";
import type { FieldCodec } from "../services/field-codec.ts";
import { toBinaryString } from "../runtime/binary-string.ts";
import type { NewestFields } from "../record/field-limits.ts";
import type { Limits } from "../services/limits.ts";
import type { RecordHandle } from "./record-handle.ts";
import type { SessionRecord } from "../record/record.ts";

/** A message that is shown once. Its text is data, never markup: escape it when you render it. */
export interface Flash {
  readonly message: string;
  /** The kind of message, for styling. Default `"message"`. */
  readonly category: string;
}

/** Selects messages: all, or those whose category is exactly one of these. */
export interface FlashFilter {
  readonly category?: string | readonly string[];
}

/** The number of base-36 digits of a time in milliseconds: enough until the year 5188. */
const timeLength = 9;

/** A message that is taken out of the queue. */
interface Withdrawn {
  readonly name: string;
  readonly flash: Flash | undefined;
  /** The stored bytes, so that the message can be restored; `undefined` if this request has added it. */
  readonly bytes: Uint8Array | undefined;
  /** Whether it is dropped to make room for later messages, and shown to nobody. */
  readonly isTooOld: boolean;
}

/** @internal The messages of a session in one request: those in the record, and those that this request adds. */
export class FlashQueue {
  readonly #codec: FieldCodec;
  readonly #limits: Limits;
  #id = "";
  #subject: string | null = null;
  /** The messages in the record, by field name. */
  readonly #stored = new Map<string, Uint8Array>();
  /** Messages of this request that are not committed yet. */
  readonly #added = new Map<string, Flash>();
  /** Stored messages that this request has taken. */
  readonly #taken = new Map<string, Uint8Array>();
  /** Messages that this request has both added and taken. */
  readonly #takenAdditions = new Map<string, Flash>();
  #count = 0;
  /** The time in the name of the last message that this request added. */
  #lastAdded = 0;
  /** How many of this request's own messages were dropped to make room for later ones. */
  #dropped = 0;
  /** How many stored messages this request has removed to make room. */
  #droppedStored = 0;

  constructor(codec: FieldCodec, limits: Limits, record: SessionRecord | null) {
    this.#codec = codec;
    this.#limits = limits;
    this.rebase(record);
  }

  /**
   * Switches to the messages of another record, or none. Messages that this request added stay, and so do those it
   * took from the same subject's record.
   */
  rebase(record: SessionRecord | null): void {
    if (record === null || record.id !== this.#id || record.subject !== this.#subject) this.#taken.clear();
    this.#id = record?.id ?? "";
    this.#subject = record?.subject ?? null;
    this.#stored.clear();
    for (const [name, bytes] of record?.fields ?? []) if (isFlashField(name)) this.#stored.set(name, bytes);
  }

  /**
   * Adds a message. If too many wait, the oldest are dropped.
   *
   * @throws LimitError FLASH_TOO_LONG; MisuseError VALUE_NOT_STORABLE if it is not a well-formed string.
   */
  add(message: string, category: string, now: number): void {
    for (const [what, text] of Object.entries({ message, category })) {
      if (typeof text !== "string" || !text.isWellFormed()) {
        throw new MisuseError("VALUE_NOT_STORABLE", `A flash ${what} must be a well-formed string.`);
      }
      if (text.length > this.#limits.flashLength) {
        const limit = `${this.#limits.flashLength} characters (limits.flashLength)`;
        throw new LimitError("FLASH_TOO_LONG", `A flash ${what} must have at most ${limit}.`);
      }
    }
    // Names sort by time, then by order in the request; the random suffix keeps concurrent requests apart.
    // A message always sorts after those that already wait, even if clocks are coarse or disagree.
    this.#lastAdded = Math.max(now, this.#lastTime() + 1, this.#lastAdded);
    const time = this.#lastAdded.toString(36).padStart(timeLength, "0");
    const order = (this.#count++).toString(36).padStart(4, "0");
    const name = fieldName.flash(`${time}${order}${randomBytes(6).toString("base64url")}`);
    this.#added.set(name, { message, category });
    this.#makeRoom();
  }

  /** Returns the waiting messages in order, without taking them. */
  peek(filter: FlashFilter): Flash[] {
    return this.#matching(filter).flatMap(({ flash, isTooOld }) =>
      flash === undefined || isTooOld ? [] : [flash],
    );
  }

  /**
   * Takes messages out of the queue to show them: this request's own, and the stored ones that its patch has
   * removed. They must be restored if the visitor does not see the response.
   */
  async take(filter: FlashFilter, handle: RecordHandle): Promise<Flash[]> {
    const withdrawn = this.#withdraw(filter);
    const remove = withdrawn.flatMap(({ name, bytes }) => (bytes === undefined ? [] : [name]));
    const outcome = remove.length > 0 ? await handle.patch({ remove, ...handle.dueTouch() }) : undefined;
    return this.#won(withdrawn, outcome?.kind === "applied" ? outcome.removed : []);
  }

  #withdraw(filter: FlashFilter): Withdrawn[] {
    const withdrawn = this.#matching(filter);
    for (const { name } of withdrawn) {
      this.#stored.delete(name);
      this.#added.delete(name);
    }
    return withdrawn;
  }

  /** Returns the withdrawn messages that this request may show. */
  #won(withdrawn: readonly Withdrawn[], removed: readonly string[]): Flash[] {
    const shown: Flash[] = [];
    for (const { name, bytes, flash, isTooOld } of withdrawn) {
      if (bytes === undefined) {
        if (isTooOld) this.#dropped++;
        else if (flash !== undefined) this.#takenAdditions.set(name, flash);
      } else if (removed.includes(name)) {
        this.#taken.set(name, bytes);
        if (isTooOld) this.#droppedStored++;
      } else continue;
      if (flash !== undefined && !isTooOld) shown.push(flash);
    }
    return shown;
  }

  /** Drops the oldest of this request's own messages if they alone are too many. */
  #makeRoom(): void {
    const names = [...this.#added.keys()];
    if (names.length <= this.#limits.flashes) return;
    for (const name of names.toSorted().slice(0, names.length - this.#limits.flashes)) {
      this.#added.delete(name);
      this.#dropped++;
    }
  }

  /** How many messages may remain after a patch that sets some. */
  get newest(): NewestFields {
    return { prefix: flashPrefix, count: this.#limits.flashes };
  }

  /**
   * Returns how many messages were dropped here, and not by the store.
   *
   * @param seen whether the response is seen, so that nothing is restored.
   */
  dropped(seen: boolean): number {
    return this.#dropped + (seen ? this.#droppedStored : 0);
  }

  /** Whether nothing was added or taken. */
  get isUnmodified(): boolean {
    return this.#added.size === 0 && this.#taken.size === 0 && this.#takenAdditions.size === 0;
  }

  /** The fields of the stored messages that were taken, to restore them if they are not seen. */
  taken(): ReadonlyMap<string, Uint8Array> {
    return this.#taken;
  }

  /** Puts this request's own messages back, because the page with them is not seen: they wait for the next page. */
  keepTakenAdditions(): void {
    for (const [name, flash] of this.#takenAdditions) this.#added.set(name, flash);
    this.#makeRoom();
  }

  /** Returns the texts of the fields that this request adds. */
  additions(): ReadonlyMap<string, string> {
    return new Map(
      Array.from(this.#added, ([name, flash]) => [name, JSON.stringify([flash.category, flash.message])]),
    );
  }

  /** The field names of the messages that this request has added so far. */
  get additionNames(): readonly string[] {
    return [...this.#added.keys(), ...this.#takenAdditions.keys()];
  }

  /** Drops messages of this request, which will never be committed. */
  forgetAdditions(names: readonly string[]): void {
    for (const name of names) {
      this.#added.delete(name);
      this.#takenAdditions.delete(name);
    }
    this.#dropped = 0;
  }

  #matching({ category }: FlashFilter): Withdrawn[] {
    const wanted = typeof category === "string" ? [category] : category;
    const all = [
      ...Array.from(this.#stored, ([name, bytes]) => ({ name, bytes, flash: this.#decode(name, bytes) })),
      ...Array.from(this.#added, ([name, flash]) => ({ name, flash, bytes: undefined })),
    ].toSorted((one, other) => (one.name < other.name ? -1 : 1));
    // These are dropped in the store when this request's own messages are written.
    const tooMany = this.#added.size === 0 ? 0 : all.length - this.#limits.flashes;
    return all.flatMap(({ name, bytes, flash }, at) => {
      const isTooOld = at < tooMany;
      // Messages that nobody will see are removed together with the first that are taken.
      const isSelected =
        wanted === undefined || flash === undefined || isTooOld || wanted.includes(flash.category);
      return isSelected ? { name, bytes, flash, isTooOld } : [];
    });
  }

  /** Returns the time in the name of the last message in the record, or 0. */
  #lastTime(): number {
    let last = 0;
    for (const name of this.#stored.keys()) {
      const time = Number.parseInt(name.slice(fieldName.flash("").length).slice(0, timeLength), 36);
      if (time > last) last = time;
    }
    return last;
  }

  #decode(name: string, bytes: Uint8Array): Flash | undefined {
    const value = this.#codec.decode(this.#id, name, toBinaryString(bytes))?.value;
    if (!Array.isArray(value)) return undefined;
    const [category, message]: unknown[] = value;
    return typeof category === "string" && typeof message === "string" ? { message, category } : undefined;
  }
}

import { randomBytes } from "node:crypto";
import { LimitError, MisuseError } from "../errors.ts";
import { fieldName, flashPrefix, isFlashField } from "../services/field-codec.ts";
import type { FieldCodec } from "../services/field-codec.ts";
import { latin1Of } from "../record/binary/bytes.ts";
import type { NewestFields } from "../record/field-limits.ts";
import type { Limits } from "../services/limits.ts";
import type { LiveRecord } from "./record-handle.ts";
import type { SessionRecord } from "../record/record.ts";

/** A message shown once. Its text is data, never markup: escape it where it is shown. */
export interface Flash {
  readonly message: string;
  /** What kind of message it is, for its looks: `"message"` unless given. */
  readonly category: string;
}

/** Which messages: all, or those whose category is (exactly) one of these. */
export interface FlashFilter {
  readonly category?: string | readonly string[];
}

/** Digits of a time in milliseconds in base 36: enough until the year 5188. */
const timeLength = 9;

/** A message on its way out: `bytes` where the store still holds it, so that it can be given back. */
interface Withdrawn {
  readonly name: string;
  readonly flash: Flash | undefined;
  readonly bytes: Uint8Array | undefined;
  /** It makes room for later ones, and is shown to nobody. */
  readonly isTooOld: boolean;
}

/** @internal The messages of a session in one request: those the record holds, and those this request adds. */
export class FlashQueue {
  readonly #codec: FieldCodec;
  readonly #limits: Limits;
  #id = "";
  #subject: string | null = null;
  /** Messages the record holds, by field name. */
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
  /** How many of this request's own messages have made room for later ones. */
  #dropped = 0;
  /** How many stored ones this request has taken out to make room. */
  #droppedStored = 0;

  constructor(codec: FieldCodec, limits: Limits, record: SessionRecord | null) {
    this.#codec = codec;
    this.#limits = limits;
    this.show(record);
  }

  /** Shows the messages of a record, or none; those this request added stay, and those it took from the same visitor. */
  show(record: SessionRecord | null): void {
    if (record === null || record.id !== this.#id || record.subject !== this.#subject) this.#taken.clear();
    this.#id = record?.id ?? "";
    this.#subject = record?.subject ?? null;
    this.#stored.clear();
    for (const [name, bytes] of record?.fields ?? []) if (isFlashField(name)) this.#stored.set(name, bytes);
  }

  /** Adds a message; the oldest makes room where too many wait. @throws LimitError FLASH_TOO_LONG; MisuseError when it is no text. */
  add(message: string, category: string, now: number): void {
    for (const [what, text] of Object.entries({ message, category })) {
      if (typeof text !== "string" || !text.isWellFormed()) {
        throw new MisuseError("VALUE_NOT_STORABLE", `A flash ${what} must be a well-formed string.`);
      }
      if (text.length > this.#limits.flashLength) {
        const limit = `${this.#limits.flashLength} characters (limits.flashLength)`;
        throw new LimitError("FLASH_TOO_LONG", `A flash ${what} has at most ${limit}.`);
      }
    }
    // Fields sort by time, then by order in the request; the random end keeps two requests apart.
    // A message comes after those that wait already, also where clocks are coarse or disagree.
    this.#lastAdded = Math.max(now, this.#lastTime() + 1, this.#lastAdded);
    const time = this.#lastAdded.toString(36).padStart(timeLength, "0");
    const order = (this.#count++).toString(36).padStart(4, "0");
    const name = fieldName.flash(`${time}${order}${randomBytes(6).toString("base64url")}`);
    this.#added.set(name, { message, category });
    this.#makeRoom();
  }

  /** The messages that wait, in the order they were given; nothing is taken. */
  peek(filter: FlashFilter): Flash[] {
    return this.#matching(filter).flatMap(({ flash, isTooOld }) =>
      flash === undefined || isTooOld ? [] : [flash],
    );
  }

  /**
   * Takes messages out of the queue, to be shown: this request's own, and stored ones whose field its patch
   * has removed. They must be given back if the response is not seen.
   */
  async take(filter: FlashFilter, live: LiveRecord): Promise<Flash[]> {
    const withdrawn = this.#withdraw(filter);
    const remove = withdrawn.flatMap(({ name, bytes }) => (bytes === undefined ? [] : [name]));
    const outcome = remove.length > 0 ? await live.patch({ remove, ...live.touchAlong() }) : undefined;
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

  /** Of the messages withdrawn, those that may be shown. */
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

  /** The oldest of this request's own messages make room: of these alone there may be too many where nothing is stored. */
  #makeRoom(): void {
    const names = [...this.#added.keys()];
    if (names.length <= this.#limits.flashes) return;
    for (const name of names.toSorted().slice(0, names.length - this.#limits.flashes)) {
      this.#added.delete(name);
      this.#dropped++;
    }
  }

  /** How many messages a patch that sets some may leave. */
  get newest(): NewestFields {
    return { prefix: flashPrefix, count: this.#limits.flashes };
  }

  /** How many messages have made room here, without the store's doing. @param seen those that were taken are not given back. */
  dropped(seen: boolean): number {
    return this.#dropped + (seen ? this.#droppedStored : 0);
  }

  /** Nothing was added and nothing taken. */
  get isUntouched(): boolean {
    return this.#added.size === 0 && this.#taken.size === 0 && this.#takenAdditions.size === 0;
  }

  /** The fields of messages that were taken and not seen. */
  taken(): ReadonlyMap<string, Uint8Array> {
    return this.#taken;
  }

  /** The page with this request's own messages will not be seen: they wait for the next one. */
  keepTakenAdditions(): void {
    for (const [name, flash] of this.#takenAdditions) this.#added.set(name, flash);
    this.#makeRoom();
  }

  /** The texts of the fields that this request adds. */
  additions(): ReadonlyMap<string, string> {
    return new Map(
      Array.from(this.#added, ([name, flash]) => [name, JSON.stringify([flash.category, flash.message])]),
    );
  }

  /** The names of the messages of this request so far. */
  get additionNames(): readonly string[] {
    return [...this.#added.keys(), ...this.#takenAdditions.keys()];
  }

  /** Drops messages of this request, which never will be committed. */
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
    // Those that make room in the store when this request's own are written.
    const tooMany = this.#added.size === 0 ? 0 : all.length - this.#limits.flashes;
    return all.flatMap(({ name, bytes, flash }, at) => {
      const isTooOld = at < tooMany;
      // A message that nobody will see goes with the first that is taken.
      const isMeant =
        wanted === undefined || flash === undefined || isTooOld || wanted.includes(flash.category);
      return isMeant ? { name, bytes, flash, isTooOld } : [];
    });
  }

  /** The time in the name of the last message that the record holds, or 0. */
  #lastTime(): number {
    let last = 0;
    for (const name of this.#stored.keys()) {
      const time = Number.parseInt(name.slice(fieldName.flash("").length).slice(0, timeLength), 36);
      if (time > last) last = time;
    }
    return last;
  }

  #decode(name: string, bytes: Uint8Array): Flash | undefined {
    const value = this.#codec.decode(this.#id, name, latin1Of(bytes))?.value;
    if (!Array.isArray(value)) return undefined;
    const [category, message]: unknown[] = value;
    return typeof category === "string" && typeof message === "string" ? { message, category } : undefined;
  }
}

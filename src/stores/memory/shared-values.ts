import type { StringPool } from "../../record/binary/bytes.ts";

/** How many texts are watched for coming again. */
const watched = 256;

/**
 * Values that many records hold, such as the user agent of a browser: each is kept once, from the second
 * time it comes on, for as long as a record holds it.
 */
export class SharedValues implements StringPool {
  readonly #numbers = new Map<string, number>();
  readonly #texts: (string | undefined)[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];
  /** The texts that came once, the latest last. */
  readonly #seen = new Set<string>();

  use(text: string): number | undefined {
    const known = this.#numbers.get(text);
    if (known !== undefined) {
      this.#uses[known] = (this.#uses[known] ?? 0) + 1;
      return known;
    }
    if (!this.#seen.delete(text)) {
      this.#watch(text);
      return undefined;
    }
    const number = this.#free.pop() ?? this.#texts.length;
    this.#numbers.set(text, number);
    this.#texts[number] = text;
    this.#uses[number] = 1;
    return number;
  }

  at(number: number): string | undefined {
    return this.#texts[number];
  }

  /** One use less; after the last the text is forgotten. */
  release(number: number): void {
    const uses = (this.#uses[number] ?? 0) - 1;
    this.#uses[number] = uses;
    const text = this.#texts[number];
    if (uses > 0 || text === undefined) return;
    this.#numbers.delete(text);
    this.#texts[number] = undefined;
    this.#free.push(number);
  }

  #watch(text: string): void {
    this.#seen.add(text);
    if (this.#seen.size <= watched) return;
    const [first] = this.#seen;
    if (first !== undefined) this.#seen.delete(first);
  }
}

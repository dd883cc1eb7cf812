import type { SharedTexts } from "../../core/packing.ts";
import { Recent } from "../../core/recent.ts";

/** How many texts are watched for coming again, at least. */
const watched = 256;

/**
 * Values that many records hold, such as the user agent of a browser: each is kept once, from the second
 * time it comes on, for as long as a record holds it.
 */
export class SharedValues implements SharedTexts {
  readonly #numbers = new Map<string, number>();
  readonly #texts: (string | undefined)[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];
  readonly #seen = new Recent<true>(watched);

  use(text: string): number | undefined {
    const known = this.#numbers.get(text);
    if (known !== undefined) {
      this.#uses[known] = (this.#uses[known] ?? 0) + 1;
      return known;
    }
    if (this.#seen.get(text) === undefined) {
      this.#seen.set(text, true);
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
}

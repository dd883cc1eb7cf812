/**
 * Which subjects have more than one session, and how many: whoever has the most is found at once. Most have
 * one, and cost nothing here.
 */
export class Crowd {
  readonly #counts = new Map<string, number>();
  /** The subjects with so many sessions, by that number. */
  readonly #bySize: Set<string>[] = [];

  /** The subject with the most sessions, of those with more than one. */
  get largest(): string | undefined {
    const [subject] = this.#bySize.at(-1) ?? [];
    return subject;
  }

  /** A subject that had at least one session has one more. */
  add(subject: string): void {
    const count = this.#counts.get(subject) ?? 1;
    this.#move(subject, count, count + 1);
  }

  /** A subject that had at least two sessions has one less. */
  remove(subject: string): void {
    const count = this.#counts.get(subject) ?? 2;
    this.#move(subject, count, count - 1);
  }

  #move(subject: string, from: number, to: number): void {
    this.#bySize[from]?.delete(subject);
    if (to > 1) {
      this.#counts.set(subject, to);
      while (this.#bySize.length <= to) this.#bySize.push(new Set());
      this.#bySize[to]?.add(subject);
    } else this.#counts.delete(subject);
    // At most one step: who leaves the last place has gone to the one before it.
    while (this.#bySize.at(-1)?.size === 0) this.#bySize.pop();
  }
}

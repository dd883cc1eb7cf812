/** A value, or a promise of one: what needs no waiting may answer at once. */
export type Awaitable<T> = T | Promise<T>;

/** A promise, also one of another make than this realm's. */
export function isThenable<T>(answer: Awaitable<T>): answer is Promise<T> {
  return (
    typeof answer === "object" && answer !== null && "then" in answer && typeof answer.then === "function"
  );
}

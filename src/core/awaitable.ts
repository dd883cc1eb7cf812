/** A value, or a promise of one: what needs no waiting may answer at once. */
export type Awaitable<T> = T | Promise<T>;

/** A promise, also one of another make than this realm's. */
export function isThenable<T>(answer: Awaitable<T>): answer is Promise<T> {
  return (
    typeof answer === "object" && answer !== null && "then" in answer && typeof answer.then === "function"
  );
}

/**
 * Goes on with an answer: at once where it is there, since every wait for a promise lets all other
 * requests go first and costs as much as a hash.
 */
export function whenDone<T, R>(answer: Awaitable<T>, next: (value: T) => R): Awaitable<R> {
  return isThenable(answer) ? answer.then(next) : next(answer);
}

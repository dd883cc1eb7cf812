/** A value, or a promise of one: what needs no waiting may answer at once. */
export type Awaitable<T> = T | Promise<T>;

/** A promise, also one of another make than this realm's. */
export function isThenable<T>(answer: Awaitable<T>): answer is Promise<T> {
  return (
    typeof answer === "object" && answer !== null && "then" in answer && typeof answer.then === "function"
  );
}

/** Goes on with an answer: at once where it is there, later where it is a promise. */
export function andThen<T, Next>(answer: Awaitable<T>, goOn: (value: T) => Awaitable<Next>): Awaitable<Next> {
  return isThenable(answer) ? answer.then(goOn) : goOn(answer);
}

/** Does something, and something else where it fails, at once or later. */
export function orElse<T>(run: () => Awaitable<T>, failed: (error: unknown) => Awaitable<T>): Awaitable<T> {
  try {
    const answer = run();
    return isThenable(answer) ? answer.then(undefined, failed) : answer;
  } catch (error) {
    return failed(error);
  }
}

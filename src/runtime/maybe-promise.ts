/** A value, or a promise of one. Code that need not wait returns the value at once, which costs half as much. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether a value is a promise, including one from another realm or library. */
export function isThenable<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Calls `proceed` with a value: at once, or when the promise is fulfilled. */
export function andThen<T, Next>(
  value: MaybePromise<T>,
  proceed: (value: T) => MaybePromise<Next>,
): MaybePromise<Next> {
  return isThenable(value) ? value.then(proceed) : proceed(value);
}

/** Runs something and passes its value to `ok` or its error to `fail`, at once or later, as `then` does. */
export function attempt<T, Next>(
  run: () => MaybePromise<T>,
  ok: (value: T) => MaybePromise<Next>,
  fail: (error: unknown) => MaybePromise<Next>,
): MaybePromise<Next> {
  let value: MaybePromise<T>;
  try {
    value = run();
  } catch (error) {
    return fail(error);
  }
  return isThenable(value) ? value.then(ok, fail) : ok(value);
}

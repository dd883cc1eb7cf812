/** A value or a promise of one. Code that does not have to wait returns the value itself, which costs half as much. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether a value is a promise, including one from another realm or library. */
export function isThenable<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Calls `proceed` with the value: now, or when the promise is fulfilled. */
export function andThen<T, Next>(
  value: MaybePromise<T>,
  proceed: (value: T) => MaybePromise<Next>,
): MaybePromise<Next> {
  return isThenable(value) ? value.then(proceed) : proceed(value);
}

/** Calls `run` and passes its value to `ok` or its error to `fail`: now, or when the promise settles. */
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

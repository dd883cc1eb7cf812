const IMPATIENT_AFTER_MS = 1_000;

/**
 * Calls `stop` at the first SIGTERM or SIGINT, and `atOnce` if another one follows later. One Ctrl-C may arrive
 * twice at the same time, from the terminal and from the parent process.
 */
export function onStopSignal(stop: () => void, atOnce: () => void): void {
  let since: number | undefined;
  const heard = () => {
    if (since === undefined) {
      since = performance.now();
      stop();
    } else if (performance.now() - since > IMPATIENT_AFTER_MS) {
      atOnce();
    }
  };
  process.on("SIGTERM", heard);
  process.on("SIGINT", heard);
}

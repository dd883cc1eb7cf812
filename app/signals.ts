const IMPATIENT_AFTER_MS = 1_000;

/**
 * Calls `stop` at the first SIGTERM or SIGINT, and `atOnce` when somebody asks again later and does not
 * want to wait. The same Ctrl-C may arrive twice at once, from the terminal and from whoever started us.
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

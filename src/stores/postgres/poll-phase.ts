type Channel = InstanceType<typeof MessageChannel>;

let channel: Channel | undefined;
let waiting: (() => void)[] = [];

/**
 * Waits for the phase of the event loop in which sockets are read.
 *
 * postgres.js (as of 3.4.9) writes in a `setImmediate`. If it is called in one, it writes only after the sockets
 * have been polled again. If that poll finds the connection closed, postgres.js sends nothing, not even on the
 * connection that it opens instead, until that times out.
 */
export async function pollPhase(): Promise<void> {
  const { port1 } = (channel ??= newChannel());
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) port1.postMessage(undefined);
  });
}

/** Messages of a channel arrive in the same phase as data from sockets. */
function newChannel(): Channel {
  const made = new MessageChannel();
  made.port2.addEventListener("message", () => {
    const all = waiting;
    waiting = [];
    for (const resolve of all) resolve();
  });
  made.port2.start();
  // The ports must not keep the process running.
  for (const port of [made.port1, made.port2]) if ("unref" in port) port.unref();
  return made;
}

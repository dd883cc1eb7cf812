type Channel = InstanceType<typeof MessageChannel>;

let channel: Channel | undefined;
let waiting: (() => void)[] = [];

/**
 * Waits for the phase of the event loop in which sockets are read.
 *
 * postgres.js (as of 3.4.9) leaves what it writes to a `setImmediate`. In one itself, it would send only after the
 * next look at the sockets; where that finds the connection closed, it sends nothing, and nothing of the
 * connection that it opens instead, until that fails for want of time.
 */
export async function pollPhase(): Promise<void> {
  const { port1 } = (channel ??= newChannel());
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) port1.postMessage(undefined);
  });
}

/** A message arrives as what a socket brings does. */
function newChannel(): Channel {
  const made = new MessageChannel();
  made.port2.addEventListener("message", () => {
    const all = waiting;
    waiting = [];
    for (const resolve of all) resolve();
  });
  made.port2.start();
  // No reason for the process to go on.
  for (const port of [made.port1, made.port2]) if ("unref" in port) port.unref();
  return made;
}

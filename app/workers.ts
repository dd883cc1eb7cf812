import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import { onStopSignal } from "./signals.ts";

/** How often each place is filled anew within a minute, on average. If more die, no new start will mend what is wrong. */
const MOST_REPLACED_A_MINUTE = 2;

/** Longer than a process takes to finish its requests; one that hangs is ended then. */
const STOP_MS = 10_000;

/**
 * Runs the site in several processes behind one port: each new connection goes to the next of them.
 *
 * Each sends its greeting when it answers. The first starts alone, so that what is wrong with the
 * settings is said once, and then everything stops. Later, one that dies is replaced.
 */
export async function superviseWorkers(count: number): Promise<void> {
  const running = new Set<Worker>();
  let replaced: number[] = [];
  let isStarted = false;
  let isStopping = false;
  let exitCode = 0;

  const kill = (signal: NodeJS.Signals) => {
    for (const worker of running) worker.process.kill(signal);
  };
  const stop = (code: number) => {
    exitCode = code;
    isStopping = true;
    kill("SIGTERM");
    setTimeout(kill, STOP_MS, "SIGKILL");
  };
  const launch = () =>
    new Promise<string>((resolve) => {
      const worker = cluster.fork();
      running.add(worker);
      worker.once("message", (greeting) => resolve(String(greeting)));
    });

  cluster.on("exit", (worker, code: number | null, signal: NodeJS.Signals | null) => {
    running.delete(worker);
    if (isStopping) {
      // One that had not begun to listen to signals yet ends by ours.
      if (code !== 0 && signal !== "SIGTERM") exitCode = 1;
    } else if (isStarted) {
      replace(worker, signal ?? `with code ${code}`);
    } else {
      stop(1);
    }
    if (running.size === 0) process.exit(exitCode);
  });
  function replace({ process: { pid } }: Worker, how: string): void {
    const now = performance.now();
    replaced = [...replaced.filter((at) => now - at < 60_000), now];
    if (replaced.length > MOST_REPLACED_A_MINUTE * count) {
      console.error(`Process ${pid} ended (${how}), the last of too many within a minute. The site stops.`);
      stop(1);
    } else {
      console.error(`Process ${pid} ended (${how}); another takes its place.`);
      void launch();
    }
  }

  onStopSignal(
    () => stop(0),
    () => kill("SIGKILL"),
  );
  const greeting = await launch();
  await Promise.all(Array.from({ length: count - 1 }, launch));
  isStarted = true;
  const pids = [...running].map((worker) => worker.process.pid);
  console.log(`${greeting}\n${count} processes answer: ${pids.join(", ")}.`);
}

import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import { onStopSignal } from "./signals.ts";

/** How often each process is replaced within a minute, on average. If more die, restarting will not help. */
const MOST_REPLACED_A_MINUTE = 2;

/** Longer than a process takes to finish its requests. One that hangs is killed then. */
const STOP_MS = 10_000;

/**
 * Runs the site in several processes on one port. New connections go to the processes in turn.
 *
 * Each process sends its greeting when it is ready. The first starts alone, so that an error in the settings is
 * printed once, and everything stops. Later, a process that dies is replaced.
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
      // A process that did not handle signals yet is ended by ours.
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
      console.error(`Process ${pid} ended (${how}). Too many have ended within a minute, so the site stops.`);
      stop(1);
    } else {
      console.error(`Process ${pid} ended (${how}) and is being replaced.`);
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
  console.log(`${greeting}\n${count} processes are running: ${pids.join(", ")}.`);
}

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** The requests that are measured. Their names are the paths of every site. */
export const requests = ["untouched", "read", "write", "login"] as const;
export type RequestName = (typeof requests)[number];

/** The name that a login stores and a read returns. */
export const user = "Lea";

/** What the handlers of a site do with sessions. `Call` is the parameters of the framework's handlers. */
export interface Actions<Call extends readonly unknown[]> {
  /** Returns the name of the logged-in user, or "". */
  read(...call: Call): string | Promise<string>;
  /** Increments a counter and returns it. */
  write(...call: Call): number | Promise<number>;
  login(...call: Call): unknown;
}

/** Handlers without sessions, with which every other site is compared. */
export const bare: Actions<[]> = { read: () => user, write: () => 1, login: () => undefined };

/** The responses of the handlers, by which the load generator checks that they did their work. */
export const answers: Readonly<Record<RequestName, RegExp>> = {
  untouched: /^Hello\.$/,
  read: new RegExp(`^${user}$`),
  write: /^[1-9]\d*$/,
  login: /^Welcome\.$/,
};
export const untouched = "Hello.";
export const welcome = "Welcome.";

/** An app that can be started. */
export interface Site {
  /** @returns the port. */
  listen(): Promise<number>;
}

export function siteOf(server: Server): Site {
  return {
    async listen() {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject).listen(0, "127.0.0.1", resolve);
      });
      return (server.address() as AddressInfo).port;
    },
  };
}

/** The secret of all contenders. */
export const secret = "Uk2nYw0sV4mQ8hZtJ6cXbR1fLpD3gA7eKiTqNzWvSyE";

/** A setting that `run.ts` passes to its servers. @throws Error if it is missing. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`The benchmark's servers need ${name}.`);
  return value;
}

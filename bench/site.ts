import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** The requests that are measured; the paths of every site are their names. */
export const requests = ["untouched", "read", "write", "login"] as const;
export type RequestName = (typeof requests)[number];

/** The name that a login keeps and a read shows. */
export const user = "Lea";

/** What the handlers of a site do with sessions; `Call` is what the framework gives to its handlers. */
export interface Deeds<Call extends readonly unknown[]> {
  /** The name of who is logged in, or "" for nobody. */
  read(...call: Call): string | Promise<string>;
  /** Adds one to a counter and answers it. */
  write(...call: Call): number | Promise<number>;
  login(...call: Call): unknown;
}

/** Handlers without sessions: what every other site is compared with. */
export const bare: Deeds<[]> = { read: () => user, write: () => 1, login: () => undefined };

/** What handlers answer, so that the load generator can tell that they did their work. */
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

/** For the secrets of all contenders: long, and the same for everybody. */
export const secret = "Uk2nYw0sV4mQ8hZtJ6cXbR1fLpD3gA7eKiTqNzWvSyE";

/** A setting that `run.ts` gives to its servers. @throws Error when it did not. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`The benchmark's servers need ${name}.`);
  return value;
}

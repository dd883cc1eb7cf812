import type { Express, NextFunction, Request, Response, Router } from "express";
import type { Entries, StoreStep } from "./trace.ts";

/** What the shop keeps in a session. */
export type Shop = {
  user: string;
  cart: string;
  colour: string;
  count: number;
  lastRead: string;
  order: string;
  flash: string[];
};

/** `req.session`, as handlers written for express-session use it. */
type ShopSession = Partial<Shop> & {
  cookie?: unknown;
  regenerate(callback: (error?: unknown) => void): void;
  destroy(callback: (error?: unknown) => void): void;
  save(callback: (error?: unknown) => void): void;
};

/** A request of the shop. */
export type ShopRequest = Request & { session: ShopSession };

/** A handler of the shop in which the races happen. */
export type Handler = (req: ShopRequest, res: Response, next: NextFunction) => unknown;

/** The handlers of the shop, by path. */
export type Handlers = Readonly<Record<string, Handler>>;

/** What a race offers to the library that runs in it. */
export interface Track {
  /** Something else that a handler waits for. The race decides when it is done. */
  readonly slowService: () => Promise<void>;
  /** Records a call of the store. */
  readonly report: (step: StoreStep) => void;
  /** Whether the request that is running gets the copy of its session from before the race. */
  readonly isStale: () => boolean;
}

/** A session library in a race. */
export interface Contender {
  readonly name: string;
  /** Prepares the library with an empty store of its own. */
  open(track: Track): Opened;
}

/** A session library that is ready for one race. */
export interface Opened {
  /** Adds the library to an app. Pages show its source. */
  readonly setUp: (app: Express, routes: Router) => void;
  /** The handlers that have to be written for this library. Pages show their source. */
  readonly handlers: Handlers;
  /** The sessions that the store holds. */
  sessions(): Promise<readonly { readonly id: string; readonly entries: Entries }[]>;
  /** The id of the session that a cookie with this value belongs to. */
  idOf(cookie: string): string;
  /** From now on, a stale read returns what the store holds at this moment. */
  copy(): Promise<void>;
  close(): Promise<void>;
}

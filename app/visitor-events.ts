import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { eventChannel } from "coatcheck";
import type { PublishedEvent, SessionEvent } from "coatcheck";
import { currentMeasurement } from "./measure.ts";
import { keepNewest } from "./newest.ts";

/** An event that a visitor's own requests caused, or that happened to their session. */
export type SeenEvent = { at: Date; event: SessionEvent };

/** How many events of a visitor are kept, and of how many visitors. Who is over that begins again. */
const MOST_EVENTS = 30;
const MOST_VISITORS = 500;

/** How many of a visitor's sessions are remembered: the one before a login may end after it. */
const MOST_SESSIONS = 4;

/** The events whose session is the visitor's own from then on, if their request caused them. */
const BEGINS: ReadonlySet<string> = new Set(["created", "login", "adopted"]);

type Watched = { events: SeenEvent[]; sessions: string[]; listeners: Set<(seen: SeenEvent) => void> };

/**
 * The library's events, sorted by the visitor they concern. Only visitors who asked for it on `/break` are watched,
 * each under a random id from a signed cookie.
 */
export class VisitorEvents {
  /** The one that was seen longest ago comes first. */
  readonly #visitors = new Map<string, Watched>();
  /** Which visitor a session belongs to. */
  readonly #owners = new Map<string, string>();
  /** The session that was logged out in the request in which another one began. */
  readonly #before = new Map<string, string>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    subscribe(eventChannel, this.#take);
  }

  /** Watches the visitor of the current request, and their session if they have one. */
  watch(visitor: string, session?: string): void {
    const watched = this.#visitors.get(visitor) ?? { events: [], sessions: [], listeners: new Set() };
    this.#visitors.delete(visitor);
    this.#visitors.set(visitor, watched);
    if (session !== undefined) this.#own(visitor, watched, session);
    const [oldest] = this.#visitors.keys();
    if (this.#visitors.size > MOST_VISITORS && oldest !== undefined) this.#forget(oldest);
  }

  /** What has happened to a visitor, the newest first. */
  of(visitor: string): readonly SeenEvent[] {
    return this.#visitors.get(visitor)?.events ?? [];
  }

  /** Calls `listener` with each event of a visitor from now on. Returns how to stop that. */
  listen(visitor: string, listener: (seen: SeenEvent) => void): () => void {
    this.watch(visitor);
    const listeners = this.#visitors.get(visitor)?.listeners;
    listeners?.add(listener);
    return () => listeners?.delete(listener);
  }

  /** The session that was logged out when this one began, as it does if a message says goodbye. */
  before(session: string): string | undefined {
    return this.#before.get(session);
  }

  /** How much is kept, for tests. */
  get size(): { visitors: number; sessions: number; before: number } {
    return { visitors: this.#visitors.size, sessions: this.#owners.size, before: this.#before.size };
  }

  /** Hears no more events. */
  close(): void {
    unsubscribe(eventChannel, this.#take);
  }

  readonly #take = (message: unknown): void => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the only thing that this channel carries
    const { cookie: _, ...event } = message as PublishedEvent;
    const id = "id" in event ? event.id : undefined;
    const measurement = currentMeasurement();
    if (measurement !== undefined && event.type === "logout") measurement.loggedOut = event.id;
    if (measurement?.loggedOut !== undefined && event.type === "created")
      keepNewest(this.#before, event.id, measurement.loggedOut, MOST_VISITORS);
    const own = measurement?.visitor;
    const owner = id === undefined ? undefined : this.#owners.get(id);
    const seen = { at: new Date(this.#now()), event };
    for (const visitor of new Set([own, owner])) {
      const watched = visitor === undefined ? undefined : this.#visitors.get(visitor);
      if (visitor === undefined || watched === undefined) continue;
      if (visitor === own && id !== undefined && BEGINS.has(event.type)) this.#own(visitor, watched, id);
      watched.events = [seen, ...watched.events].slice(0, MOST_EVENTS);
      for (const listener of watched.listeners) listener(seen);
    }
  };

  #own(visitor: string, watched: Watched, session: string): void {
    watched.sessions = [session, ...watched.sessions.filter((known) => known !== session)];
    this.#owners.set(session, visitor);
    for (const old of watched.sessions.splice(MOST_SESSIONS)) this.#disown(visitor, old);
  }

  #disown(visitor: string, session: string): void {
    if (this.#owners.get(session) === visitor) this.#owners.delete(session);
  }

  #forget(visitor: string): void {
    for (const session of this.#visitors.get(visitor)?.sessions ?? []) this.#disown(visitor, session);
    this.#visitors.delete(visitor);
  }
}

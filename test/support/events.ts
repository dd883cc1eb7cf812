import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { TestContext } from "node:test";
import { eventChannel } from "coatcheck";
import type { PublishedEvent } from "coatcheck";

/** The events of all `sessions` objects of this process, from now until the test ends. */
export function collectEvents(t: TestContext): PublishedEvent[] {
  const events: PublishedEvent[] = [];
  const listener = (message: unknown): void => {
    events.push(message as PublishedEvent);
  };
  subscribe(eventChannel, listener);
  t.after(() => unsubscribe(eventChannel, listener));
  return events;
}

/** Their types, in order. */
export function typesOf(events: readonly PublishedEvent[]): string[] {
  return events.map((event) => event.type);
}

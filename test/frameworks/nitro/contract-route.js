// A route that does what the test says, in the same process.

// Types are looked at in the repository, where Nitro is not.
// @ts-nocheck
// oxlint-disable import/no-default-export
import { defineHandler, getRouterParam } from "nitro/h3";

export default defineHandler((event) =>
  globalThis.coatcheckContract[getRouterParam(event, "place")](event.req, event),
);

import handler, { createServerEntry } from "@tanstack/react-start/server-entry";
import { sessions } from "./sessions.server";

export default createServerEntry({
  fetch: (request) => sessions.handle(request, async (own) => handler.fetch(own)),
});

// In the development server, a changed file loads this module again.
if (import.meta.hot) import.meta.hot.dispose(() => sessions.close());

import { createFileRoute } from "@tanstack/react-router";
import { sessions } from "../sessions.server";

export const Route = createFileRoute("/everywhere")({
  server: {
    handlers: {
      POST: async () => {
        const { id, subject } = await sessions.current();
        if (subject) await sessions.revokeAll(subject, { except: id });
        return new Response(null, { status: 303, headers: { location: "/" } });
      },
    },
  },
});

import { createFileRoute } from "@tanstack/react-router";
import { sessions } from "../sessions.server";

export const Route = createFileRoute("/note")({
  server: {
    handlers: {
      POST: async ({ request }) => {
        const session = await sessions.current();
        session.set("note", String((await request.formData()).get("note") ?? ""));
        return new Response(null, { status: 303, headers: { location: "/" } });
      },
    },
  },
});

import { createFileRoute } from "@tanstack/react-router";
import { sessions } from "../sessions.server";

export const Route = createFileRoute("/logout")({
  server: {
    handlers: {
      POST: async () => {
        const session = await sessions.current();
        await session.logout();
        return new Response(null, { status: 303, headers: { location: "/" } });
      },
    },
  },
});

import { createFileRoute } from "@tanstack/react-router";
import { sessions } from "../sessions.server";

export const Route = createFileRoute("/fail")({
  server: {
    handlers: {
      POST: async ({ request }) => {
        const session = await sessions.current();
        session.set("note", String((await request.formData()).get("note") ?? ""));
        throw new Error("The note is not kept.");
      },
    },
  },
});

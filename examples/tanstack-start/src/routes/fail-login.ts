import { createFileRoute } from "@tanstack/react-router";
import { sessions } from "../sessions.server";

export const Route = createFileRoute("/fail-login")({
  server: {
    handlers: {
      POST: async ({ request }) => {
        const session = await sessions.current();
        await session.login("ana");
        session.set("note", String((await request.formData()).get("note") ?? ""));
        throw new Error("The note is not kept, but the login is.");
      },
    },
  },
});

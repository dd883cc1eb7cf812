import { createFileRoute } from "@tanstack/react-router";
import { safeReturnPath } from "coatcheck";
import { Messages } from "../messages";
import { sessions } from "../sessions.server";
import { getVisitor } from "../visitor";

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

export const Route = createFileRoute("/login")({
  validateSearch: (search: Record<string, unknown>): { return?: string } =>
    typeof search.return === "string" ? { return: search.return } : {},
  loader: () => getVisitor(),
  component: Login,
  server: {
    handlers: {
      POST: async ({ request }) => {
        const session = await sessions.current();
        const form = await request.formData();
        const name = String(form.get("name"));
        if (!users.has(name) || users.get(name) !== form.get("password")) {
          session.flash("Login failed.", "error");
          return new Response(null, { status: 303, headers: { location: "/login" } });
        }
        await session.login(name);
        session.flash("You are logged in.", "success");
        const location = safeReturnPath(String(form.get("return") ?? ""), "/user");
        return new Response(null, { status: 303, headers: { location } });
      },
    },
  },
});

function Login() {
  const { messages } = Route.useLoaderData();
  const { return: back } = Route.useSearch();
  return (
    <main>
      <Messages messages={messages} />
      <form method="post" action="/login">
        <input type="hidden" name="return" value={back ?? ""} />
        <label>
          Name <input name="name" autoComplete="username" />
        </label>
        <label>
          Password <input name="password" type="password" autoComplete="current-password" />
        </label>
        <button>Log in</button>
      </form>
    </main>
  );
}

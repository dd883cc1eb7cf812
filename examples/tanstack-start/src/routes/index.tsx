import { createFileRoute, Link } from "@tanstack/react-router";
import { Messages } from "../messages";
import { getVisitor } from "../visitor";

export const Route = createFileRoute("/")({
  loader: () => getVisitor(),
  component: Home,
});

function Home() {
  const { name, note, messages } = Route.useLoaderData();
  return (
    <main>
      <Messages messages={messages} />
      <h1>Hello, {name ?? "stranger"}!</h1>
      {note === undefined ? null : <p>Note: {note}</p>}
      {name === undefined ? (
        <Link to="/login">Log in</Link>
      ) : (
        <form method="post" action="/logout">
          <button>Log out</button>
        </form>
      )}
    </main>
  );
}

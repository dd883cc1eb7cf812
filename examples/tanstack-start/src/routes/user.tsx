import { createFileRoute } from "@tanstack/react-router";
import { Messages } from "../messages";
import { getUser } from "../visitor";

export const Route = createFileRoute("/user")({
  loader: () => getUser(),
  component: User,
});

function User() {
  const { name, messages } = Route.useLoaderData();
  return (
    <main>
      <Messages messages={messages} />
      <h1>The page of {name}</h1>
    </main>
  );
}

import { A, createAsync } from "@solidjs/router";
import { Show } from "solid-js";
import { Messages } from "../messages";
import { getVisitor } from "../visitor";

export default function Home() {
  const visitor = createAsync(() => getVisitor());
  return (
    <main>
      <Messages messages={visitor()?.messages} />
      <h1>Hello, {visitor()?.name ?? "stranger"}!</h1>
      <Show when={visitor()?.note}>{(note) => <p>Note: {note()}</p>}</Show>
      <Show when={visitor()?.name} fallback={<A href="/login">Log in</A>}>
        <form method="post" action="/api/logout">
          <button>Log out</button>
        </form>
      </Show>
    </main>
  );
}

import { createAsync } from "@solidjs/router";
import { Messages } from "../messages";
import { getUser } from "../visitor";

export default function User() {
  const user = createAsync(() => getUser());
  return (
    <main>
      <Messages messages={user()?.messages} />
      <h1>The page of {user()?.name}</h1>
    </main>
  );
}

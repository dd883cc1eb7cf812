import { createAsync, useSearchParams } from "@solidjs/router";
import { Messages } from "../messages";
import { getVisitor } from "../visitor";

export default function Login() {
  const visitor = createAsync(() => getVisitor());
  const [search] = useSearchParams();
  return (
    <main>
      <Messages messages={visitor()?.messages} />
      <form method="post" action="/api/login">
        <input type="hidden" name="return" value={search.return ?? ""} />
        <label>
          Name <input name="name" autocomplete="username" />
        </label>
        <label>
          Password <input name="password" type="password" autocomplete="current-password" />
        </label>
        <button>Log in</button>
      </form>
    </main>
  );
}

import { logIn } from "../../actions";
import { Messages } from "../messages";

export default async function Login({
  searchParams,
}: {
  readonly searchParams: Promise<{ return?: string }>;
}) {
  const { return: back } = await searchParams;
  return (
    <>
      <Messages />
      <form action={logIn}>
        <input name="name" aria-label="Name" />
        <input name="password" type="password" aria-label="Password" />
        <input type="hidden" name="return" value={back ?? "/user"} />
        <button>Log in</button>
      </form>
    </>
  );
}

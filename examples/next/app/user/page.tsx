import { requireLogin } from "../../sessions";
import { Messages } from "../messages";

export default async function User() {
  const session = await requireLogin("/user");
  return (
    <>
      <Messages />
      <h1>Hello, {session.get("name")}!</h1>
    </>
  );
}

import { read } from "../../sessions";

export default async function Inside() {
  const session = await read();
  return <h1>Inside, {session.subject}</h1>;
}

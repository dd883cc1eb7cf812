import type { APIEvent } from "@solidjs/start/server";
import { sessions } from "../../sessions";

export async function POST({ request }: APIEvent) {
  const session = await sessions.current();
  await session.login("ana");
  session.set("note", String((await request.formData()).get("note") ?? ""));
  throw new Error("The note is not kept, but the login is.");
}

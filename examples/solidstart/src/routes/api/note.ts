import type { APIEvent } from "@solidjs/start/server";
import { sessions } from "../../sessions";

export async function POST({ request }: APIEvent) {
  const session = await sessions.current();
  session.set("note", String((await request.formData()).get("note") ?? ""));
  return new Response(null, { status: 303, headers: { location: "/" } });
}

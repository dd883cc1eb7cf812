import { sessions } from "../sessions.server";
import type { Route } from "./+types/fail-login";

export async function action({ context, request }: Route.ActionArgs) {
  const [session, form] = [await sessions.of(context), await request.formData()];
  await session.login("ana");
  session.set("note", String(form.get("note") ?? ""));
  throw new Error("The note is not kept, but the login is.");
}

export default function FailLogin() {
  return null;
}

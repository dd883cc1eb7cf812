import { redirect } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/logout";

export async function action({ context }: Route.ActionArgs) {
  await (await sessions.of(context)).logout();
  return redirect("/", 303);
}

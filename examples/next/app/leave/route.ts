import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { route, sessions } from "../../sessions";

export const POST = route(async (request) => {
  const end = new URL(request.url).searchParams.get("end");
  const session = await sessions.of(request);
  await session.login("ana");
  session.set("name", "kept");
  session.flash("You came in by another door.");
  sessions.cookies(request).set("beside", "50 % & more");
  (await cookies()).set("own", "next's");
  if (end === "error") throw new Error("meant to fail");
  if (end === "redirect") redirect("/user");
  return new Response("stayed");
});

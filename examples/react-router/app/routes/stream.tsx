import { Suspense } from "react";
import { Await } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/stream";

export async function loader({ context }: Route.LoaderArgs) {
  const session = await sessions.of(context);
  session.set("note", "set before the stream");
  const late = async (): Promise<string> => {
    // By then the beginning of the page has been sent.
    await new Promise((resolve) => setTimeout(resolve, 200));
    try {
      session.set("note", "set too late");
      return "written";
    } catch (problem) {
      return problem instanceof Error && "code" in problem ? String(problem.code) : String(problem);
    }
  };
  return { late: late() };
}

export default function Stream({ loaderData }: Route.ComponentProps) {
  return (
    <Suspense fallback={<p>Wait.</p>}>
      <Await resolve={loaderData.late}>{(late) => <p>Late: {late}.</p>}</Await>
    </Suspense>
  );
}

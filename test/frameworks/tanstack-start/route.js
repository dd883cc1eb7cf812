// A route of the TanStack Start site that only the tests ask for. The page names the addresses of its server functions.

// Types are looked at in the repository, where TanStack Start is not.
// @ts-nocheck
import { createFileRoute, notFound, redirect } from "@tanstack/react-router";
import { createServerFn } from "@tanstack/react-start";
import { sessions } from "../sessions.server.ts";

const post = { method: "POST" };

const refuse = createServerFn(post).handler(async () => {
  (await sessions.current()).set("note", "lost");
  throw new Error("Refused.");
});

const answer = createServerFn(post).handler(async () => {
  (await sessions.current()).set("note", "lost");
  // oxlint-disable-next-line typescript/only-throw-error -- as Start allows
  throw new Response("Refused.", { status: 422 });
});

const leave = createServerFn(post).handler(async () => {
  (await sessions.current()).set("note", "kept by a redirect");
  throw redirect({ to: "/" });
});

const miss = createServerFn(post).handler(async () => {
  (await sessions.current()).set("note", "kept by notFound");
  throw notFound();
});

const keep = createServerFn(post).handler(async () => {
  (await sessions.current()).set("note", "kept");
  return "done";
});

const look = createServerFn().handler(async () => (await sessions.current()).get("note") ?? "none");

const writeLate = createServerFn().handler(async () => {
  const session = await sessions.current();
  await new Promise((resolve) => {
    setTimeout(resolve, 300);
  });
  try {
    session.set("note", "late");
    return "no error";
  } catch (error) {
    return error.code;
  }
});

export const Route = createFileRoute("/test")({
  validateSearch: (search) => search,
  loaderDeps: ({ search }) => search,
  async loader({ deps: { what } }) {
    // While the page is rendered on the server, these calls are not requests.
    if (what === "keep") await keep();
    if (what === "refuse") await refuse().catch(() => {});
    const late = what === "late" ? writeLate() : undefined;
    return { note: await look(), late };
  },
  component: Page,
});

function Page() {
  const { note } = Route.useLoaderData();
  const urls = Object.entries({ refuse, answer, leave, miss, keep }).map(
    ([name, { url }]) => `${name}=${url} `,
  );
  return `Seen: ${note}. ${urls.join("")}`;
}

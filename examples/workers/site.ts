import type { Sessions } from "coatcheck";

export interface Data {
  visits: number;
}

/** The app. It gets its `sessions` as an argument, because there may be another one for each request. */
export async function site(sessions: Sessions<Data>, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/health") return new Response("fine");
  const session = await sessions.of(request);
  if (request.method === "POST") {
    if (pathname === "/login") await session.login("lea"); // check a password here
    if (pathname === "/logout") await session.logout();
    if (pathname === "/fail") {
      session.set("visits", 1000);
      throw new Error("this page fails");
    }
    return new Response(null, { status: 303, headers: { location: "/" } });
  }
  session.set("visits", (session.get("visits") ?? 0) + 1);
  return new Response(`Hello, ${session.subject ?? "stranger"}! Visit ${session.get("visits")}.`);
}

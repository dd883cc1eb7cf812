import { route, sessions } from "../../sessions";

export const POST = route(async (request: Request) => {
  const session = await sessions.of(request);
  return Response.json(await session.update("clicks", (before = 0) => before + 1));
});

export const GET = route(async () => Response.json((await sessions.current()).get("clicks") ?? 0));

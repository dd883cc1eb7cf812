import { sessions } from "../../sessions";

export async function POST() {
  const session = await sessions.current();
  await session.logout();
  return new Response(null, { status: 303, headers: { location: "/" } });
}

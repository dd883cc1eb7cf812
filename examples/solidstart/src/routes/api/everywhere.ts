import { sessions } from "../../sessions";

export async function POST() {
  const { id, subject } = await sessions.current();
  if (subject) await sessions.revokeAll(subject, { except: id });
  return new Response(null, { status: 303, headers: { location: "/" } });
}

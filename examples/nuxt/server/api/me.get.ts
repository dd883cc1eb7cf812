export default defineEventHandler(async (event) => {
  const session = await sessions.of(event);
  return { name: session.subject, note: session.get("note") };
});

export default defineEventHandler(async (event) => {
  const session = await sessions.of(event);
  return { name: session.subject, edit: 1, note: session.get("note") };
});

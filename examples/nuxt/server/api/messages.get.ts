export default defineEventHandler(async (event) => {
  const session = await sessions.of(event);
  return session.takeFlashes();
});

export default defineEventHandler(async (event) => {
  const session = await sessions.of(event);
  await session.logout();
  return sendRedirect(event, "/", 303);
});

export default defineEventHandler(async (event) => {
  const { id, subject } = await sessions.of(event);
  if (subject) await sessions.revokeAll(subject, { except: id });
  return sendRedirect(event, "/", 303);
});

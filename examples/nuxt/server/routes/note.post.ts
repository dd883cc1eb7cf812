export default defineEventHandler(async (event) => {
  const session = await sessions.of(event);
  const { note = "" } = await readFields(event);
  session.set("note", note);
  return sendRedirect(event, "/", 303);
});

export default defineEventHandler(async (event) => {
  const session = await sessions.of(event);
  const { note = "" } = await readFields(event);
  session.set("note", note);
  throw createError({ statusCode: 422, message: "The note is not kept." });
});

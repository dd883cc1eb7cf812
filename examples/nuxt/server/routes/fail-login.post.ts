export default defineEventHandler(async (event) => {
  const session = await sessions.of(event);
  const { note = "" } = await readFields(event);
  await session.login("ana");
  session.set("note", note);
  throw new Error("The note is not kept, but the login is.");
});

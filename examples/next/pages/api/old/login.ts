import { safeReturnPath } from "coatcheck";
import { sessions, withApiSessions } from "../../../pages-router";

export default withApiSessions(async (req, res) => {
  const session = await sessions.of(req);
  const { name, password, return: back } = req.body as Partial<Record<string, string>>;
  if (name === undefined || password !== "1234") {
    session.flash("The name or the password is not right.", "error");
    return res.redirect(303, "/old");
  }
  await session.login(name);
  session.set("name", name);
  session.flash(`Welcome, ${name}!`, "success");
  return res.redirect(303, safeReturnPath(back ?? "", "/old"));
});

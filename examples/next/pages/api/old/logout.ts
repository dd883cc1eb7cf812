import { sessions, withApiSessions } from "../../../pages-router";

export default withApiSessions(async (req, res) => {
  await (await sessions.of(req)).logout();
  res.redirect(303, "/old");
});

import { sessions, withApiSessions } from "../../../pages-router";

export default withApiSessions(async (req) => {
  (await sessions.of(req)).set("name", "lost");
  throw new Error("The name is not kept.");
});

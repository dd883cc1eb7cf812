import { createSessions } from "coatcheck";
import { nodeSessions } from "coatcheck/node";
import { sqliteStore } from "coatcheck/sqlite";
import type { GetServerSidePropsContext, NextApiRequest, NextApiResponse } from "next";
import type { Data } from "./sessions";

// Not from sessions.ts: Next.js allows its "next/headers" only in the App Router. Both share the store.
export const sessions = createSessions<Data>({
  secret: process.env["SESSION_SECRET"],
  store: sqliteStore({ path: process.env["SESSION_FILE"] ?? "data/sessions.db" }),
});

const begin = nodeSessions(sessions);

/** Around a page's getServerSideProps: `sessions.of(context.req)` and `sessions.current()` work in it. */
export function withSessions<Result>(load: (context: GetServerSidePropsContext) => Promise<Result>) {
  return (context: GetServerSidePropsContext): Promise<Result> =>
    new Promise((resolve, reject) => {
      begin(context.req, context.res, () => load(context).then(resolve, reject));
    });
}

/** Around the handler of an API route. */
export function withApiSessions(handler: (req: NextApiRequest, res: NextApiResponse) => Promise<unknown>) {
  return nodeSessions(sessions, handler, {
    onError(error, _req, res: NextApiResponse) {
      console.error(error);
      res.status(500).json({ error: "Something went wrong." });
    },
  });
}

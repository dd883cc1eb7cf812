// Prints the files of src that run while Express handles a request with sessions in SQLite: for a handler
// that reads a key of a session, and for one that logs in.
//
//   node scripts/run.mjs scripts/request-path.ts

import { once } from "node:events";
import { Session as Inspector } from "node:inspector/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import express from "express";
import { createSessions, generateSecret } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { sqliteStore } from "coatcheck/sqlite";

const src = pathToFileURL(join(dirname(import.meta.dirname), "src/")).href;

/** The files of src in which a function ran during some work, by their paths in src. */
async function filesRunIn(inspector: Inspector, work: () => Promise<unknown>): Promise<string[]> {
  await inspector.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await work();
  const { result } = await inspector.post("Profiler.takePreciseCoverage");
  await inspector.post("Profiler.stopPreciseCoverage");
  return result
    .filter(({ url, functions }) => {
      const called = functions.filter(({ functionName, ranges }) => functionName !== "" && ranges[0]?.count);
      return url.startsWith(src) && called.length > 0;
    })
    .map(({ url }) => url.slice(src.length))
    .toSorted();
}

/** The files that run for a request that reads a key, and for one that logs in. */
export async function requestPaths(): Promise<{ readonly read: string[]; readonly login: string[] }> {
  const sessions = createSessions<{ user: string }>({
    secret: generateSecret(),
    store: sqliteStore({ path: ":memory:" }),
    cookie: { name: "session", secure: false },
    developmentWarnings: false,
  });
  const app = express();
  app.use(expressSessions(sessions));
  app.post("/login", async (req, res) => {
    const session = await sessions.of(req);
    await session.login("42");
    session.set("user", "leo");
    res.send("in");
  });
  app.get("/", async (req, res) => {
    res.send((await sessions.of(req)).get("user"));
  });
  const server = app.listen(0);
  await once(server, "listening");
  const address = server.address();
  const base = `http://localhost:${typeof address === "object" ? address?.port : ""}`;
  const inspector = new Inspector();
  inspector.connect();
  try {
    await inspector.post("Profiler.enable");
    const login = async (): Promise<string> => {
      const response = await fetch(`${base}/login`, { method: "POST" });
      return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    };
    const read = async (cookie: string): Promise<string> =>
      (await fetch(base, { headers: { cookie } })).text();
    // What runs once, such as deriving keys, is no part of a request.
    const cookie = await login();
    if ((await read(cookie)) !== "leo") throw new Error("The session was not read.");
    return {
      read: await filesRunIn(inspector, async () => read(cookie)),
      login: await filesRunIn(inspector, login),
    };
  } finally {
    inspector.disconnect();
    server.closeAllConnections();
    server.close();
    await sessions.close();
  }
}

if (import.meta.main) {
  for (const [name, files] of Object.entries(await requestPaths()))
    console.log(`${name}: ${files.length} files\n  ${files.join("\n  ")}`);
}

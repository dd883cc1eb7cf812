// A login over plain http, twice, on a host that browsers do not trust: started by development.test.ts with one argument,
// the option developmentWarnings as JSON or nothing.

import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createSessions, generateSecret } from "coatcheck";
import type { SessionsOptions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";

const given = process.argv[2];
const developmentWarnings: SessionsOptions["developmentWarnings"] =
  given === undefined ? undefined : JSON.parse(given);
const sessions = createSessions({
  secret: generateSecret(),
  store: memoryStore(),
  ...(developmentWarnings !== undefined && { developmentWarnings }),
});
const server = createServer(
  nodeSessions(sessions, async (incoming, response) => {
    const session = await sessions.of(incoming);
    await session.login("lea");
    response.end();
  }),
).listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const { port } = server.address() as AddressInfo;
for (let visit = 1; visit <= 2; visit++) {
  const cookies = await new Promise<string[]>((resolve, reject) => {
    request({ port, host: "127.0.0.1", headers: { host: `192.168.1.5:${port}` } }, (response) => {
      response.resume().on("end", () => resolve(response.headers["set-cookie"] ?? []));
    })
      .on("error", reject)
      .end();
  });
  console.log(cookies.map((cookie) => cookie.split(";")[0]?.split("=")[1]).join());
}
server.close();

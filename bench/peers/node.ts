import type { IncomingMessage, ServerResponse } from "node:http";
import { getIronSession } from "iron-session";
import { nodeSite } from "../frameworks/node.ts";
import { secret, user } from "../site.ts";
import type { Site } from "../site.ts";

interface Data {
  user?: string;
  count?: number;
  save(): Promise<void>;
}

const options = { password: secret, cookieName: "session", ttl: 24 * 60 * 60 };

async function open(request: IncomingMessage, response: ServerResponse): Promise<Data> {
  return (await getIronSession(request, response, options)) as Data;
}

export function iron(): Site {
  return nodeSite({
    read: async (request, response) => (await open(request, response)).user ?? "",
    async write(request, response) {
      const session = await open(request, response);
      session.count = (session.count ?? 0) + 1;
      await session.save();
      return session.count;
    },
    async login(request, response) {
      const session = await open(request, response);
      session.user = user;
      await session.save();
    },
  });
}

import { useSession } from "h3";
import type { H3Event } from "h3";
import { h3Site } from "../frameworks/h3.ts";
import { secret, user } from "../site.ts";
import type { Site } from "../site.ts";

interface Data {
  user?: string;
  count?: number;
}

const open = async (event: H3Event) => useSession<Data>(event, { password: secret, maxAge: 24 * 60 * 60 });

export function own(): Site {
  return h3Site({
    read: async (event) => (await open(event)).data.user ?? "",
    async write(event) {
      const session = await open(event);
      const count = (session.data.count ?? 0) + 1;
      await session.update({ count });
      return count;
    },
    async login(event) {
      const session = await open(event);
      await session.update({ user });
    },
  });
}

import type { Context } from "koa";
import session from "koa-session";
import { koaSite } from "../frameworks/koa.ts";
import { secret, user } from "../site.ts";
import type { Actions, Site } from "../site.ts";

interface Data {
  user?: string;
  count?: number;
  regenerate(): Promise<void>;
}

function dataOf(context: Context): Data {
  return (context as unknown as { session: Data }).session;
}

const actions: Actions<[Context]> = {
  read: (context) => dataOf(context).user ?? "",
  write(context) {
    const data = dataOf(context);
    data.count = (data.count ?? 0) + 1;
    return data.count;
  },
  login(context) {
    dataOf(context).user = user;
  },
};

export function cookie(): Site {
  return koaSite(actions, (app) => {
    app.keys = [secret];
    app.use(session({}, app));
  });
}

/** The smallest possible store, since the package has none. */
export function memory(): Site {
  const records = new Map<string, unknown>();
  const store = {
    get: async (key: string) => records.get(key),
    async set(key: string, value: unknown) {
      records.set(key, value);
    },
    async destroy(key: string) {
      records.delete(key);
    },
  };
  const login = async (context: Context): Promise<void> => {
    await dataOf(context).regenerate();
    dataOf(context).user = user;
  };
  return koaSite({ ...actions, login }, (app) => {
    app.keys = [secret];
    app.use(session({ store }, app));
  });
}

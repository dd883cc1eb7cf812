import type { Request } from "express";
import { user } from "../site.ts";
import type { Actions } from "../site.ts";

interface Data {
  user?: string;
  count?: number;
  regenerate(done: (error: unknown) => void): void;
}

/** What is `req.session`, whoever put it there. */
function dataOf(request: Request): Data {
  return (request as unknown as { session: Data }).session;
}

/** The handlers of an app that was written for express-session. */
export const requestSession: Actions<[Request]> = {
  read: (request) => dataOf(request).user ?? "",
  write(request) {
    const data = dataOf(request);
    data.count = (data.count ?? 0) + 1;
    return data.count;
  },
  async login(request) {
    await new Promise<void>((resolve, reject) => {
      dataOf(request).regenerate((error) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
    dataOf(request).user = user;
  },
};

/** How long the cookie of such an app lasts, in milliseconds. */
export const maxAge: number = 24 * 60 * 60 * 1000;

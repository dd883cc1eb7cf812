import { isNotFound, isRedirect } from "@tanstack/react-router";
import { createMiddleware, createStart } from "@tanstack/react-start";
import { sessions } from "./sessions.server";

/** Start turns what a server function throws into a response, so the sessions have to hear of it here. */
const failures = createMiddleware({ type: "function" }).server(async ({ next }) => {
  try {
    return await next();
  } catch (error) {
    if (!isRedirect(error) && !isNotFound(error)) sessions.fail(error);
    throw error;
  }
});

export const startInstance = createStart(() => ({ functionMiddleware: [failures] }));

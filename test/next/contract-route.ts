// A route of the Next.js site that the contract is held against: what a request gets is the test's own, in the same process.

// Types are looked at in the repository, where Next.js is not.
// @ts-nocheck
import { nextSessions } from "coatcheck/next";
import { cookies, headers } from "next/headers";
import { redirect } from "next/navigation";

async function answer(request, context) {
  const { sessions, handler, options } = globalThis.coatcheckContract;
  return nextSessions(sessions, { cookies, headers, redirect }).route(handler, options)(request, context);
}

export { answer as GET, answer as HEAD, answer as POST };

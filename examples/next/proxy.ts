import { requireLogin } from "coatcheck/fetch";
import { NextResponse } from "next/server";
import { proxy as withSessions, sessions } from "./sessions";

/** Everything below /inside needs a login. */
export const proxy = withSessions(requireLogin(sessions, () => NextResponse.next()));

export const config = { matcher: "/inside/:path*" };

// The number of times that the process has the file of the session store open.

// Types are looked at in the repository, where SolidStart is not.
// @ts-nocheck
import { readdirSync, readlinkSync } from "node:fs";

function isStore(fd) {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).endsWith("sessions.db");
  } catch {
    return false;
  }
}

export function GET() {
  return new Response(String(readdirSync("/proc/self/fd").filter(isStore).length));
}

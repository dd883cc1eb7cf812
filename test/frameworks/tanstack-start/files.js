// The number of times that the process has the file of the session store open.

// Types are looked at in the repository, where TanStack Start is not.
// @ts-nocheck
import { readdirSync, readlinkSync } from "node:fs";
import { createFileRoute } from "@tanstack/react-router";

function isStore(fd) {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).endsWith("sessions.db");
  } catch {
    return false;
  }
}

export const Route = createFileRoute("/files")({
  server: {
    handlers: { GET: () => new Response(String(readdirSync("/proc/self/fd").filter(isStore).length)) },
  },
});

declare namespace App {
  interface Locals {
    readonly session: ReturnType<typeof import("./lib/sessions").sessions.of>;
  }
}

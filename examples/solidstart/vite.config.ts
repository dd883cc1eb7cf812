import { solidStart } from "@solidjs/start/config";
import { nitro } from "nitro/vite";
import { defineConfig } from "vite";

export default defineConfig({
  server: { port: Number(process.env.PORT ?? 3000) },
  plugins: [solidStart({ serverFunctions: { onError: "src/server-function-error.ts" } }), nitro()],
});

import adapter from "@sveltejs/adapter-node";
import { sveltekit } from "@sveltejs/kit/vite";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter(),
      // Where people see the site. Without it, a SvelteKit 3 server takes every request for one over https.
      paths: { origin: process.env.ORIGIN ?? "http://localhost:3000" },
    }),
  ],
});

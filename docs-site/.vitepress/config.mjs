// VitePress builds what scripts/docs.ts has laid out in .stage: the pages, and site.json with the navigation.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitepress";
import { anchorOf } from "../../scripts/docs/markdown.ts";

const folder = join(import.meta.dirname, "..");
const { sidebar, nav } = JSON.parse(readFileSync(join(folder, ".stage", "site.json"), "utf8"));

export default defineConfig({
  title: "Coatcheck",
  description: "Sessions, cookies and flash messages for TypeScript web servers.",
  lang: "en",
  base: "/docs/",
  srcDir: ".stage",
  cacheDir: ".cache",
  cleanUrls: true,
  // It would add a style element to the page, which the site's policy forbids.
  appearance: { disableTransition: false },
  // Addresses of a reader's own machine are no pages.
  ignoreDeadLinks: "localhostLinks",
  // One file for all pages: its name is in each page, so that no inline script changes with the content.
  metaChunk: true,
  head: [
    ["link", { rel: "icon", type: "image/svg+xml", href: "/docs/ticket.svg" }],
    ["meta", { name: "color-scheme", content: "light dark" }],
  ],
  markdown: {
    anchor: { slugify: anchorOf },
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  },
  themeConfig: {
    logo: "/ticket.svg",
    nav,
    sidebar,
    outline: { level: [2, 3], label: "On this page" },
    notFound: {
      title: "No such page",
      quote: "There is nothing at this address.",
      linkText: "Questions and answers",
      linkLabel: "To the questions and answers",
    },
    docFooter: { prev: "Before", next: "Next" },
    search: {
      provider: "local",
      options: {
        // A program is found through the page that links to it.
        _render: (source, env, markdown) =>
          source.startsWith("---\nsearch: false\n") ? "" : markdown.render(source, env),
        miniSearch: {
          // No functions here: VitePress sends them as text to evaluate, which the site's policy forbids.
          searchOptions: {
            fuzzy: 0.15,
            prefix: true,
            boost: { title: 6, titles: 2, text: 1 },
          },
        },
      },
    },
  },
});

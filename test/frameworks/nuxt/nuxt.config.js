// A layer of the Nuxt site with what only the tests need.

// Types are looked at in the repository, where Nuxt is not.
// @ts-nocheck
// oxlint-disable import/no-default-export
export default defineNuxtConfig({
  routeRules: { "/cached": { swr: 60 }, "/api/cached": { swr: 60 } },
});

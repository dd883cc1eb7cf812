// A route of the Nuxt site that a route rule caches for everybody.

// Types are looked at in the repository, where Nuxt is not.
// @ts-nocheck
// oxlint-disable import/no-default-export
export default defineEventHandler(async () => (await sessions.current()).subject ?? "stranger");

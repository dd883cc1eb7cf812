export default defineNuxtRouteMiddleware(async (to) => {
  const { name } = await useRequestFetch()("/api/me");
  if (!name) return navigateTo({ path: "/login", query: { return: to.fullPath } });
});

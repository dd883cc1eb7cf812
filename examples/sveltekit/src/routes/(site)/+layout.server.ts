import type { LayoutServerLoad } from "./$types";

export const load: LayoutServerLoad = async ({ locals }) => {
  const session = await locals.session;
  return { name: session.subject ?? null, messages: await session.takeFlashes() };
};

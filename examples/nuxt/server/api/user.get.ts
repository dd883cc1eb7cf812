import { requireLogin } from "coatcheck/nitro";

const guard = requireLogin(sessions);

export default defineEventHandler(async (event) => {
  const refusal = await guard(event); // 401 for strangers
  if (refusal) return refusal;
  const { id, subject } = await sessions.of(event);
  return { name: subject, devices: await sessions.list(subject!), here: id };
});

import type { PageServerLoad } from "./$types";

export const load: PageServerLoad = async ({ fetch, locals }) => {
  const session = await locals.session;
  session.set("note", "set before the stream");
  const late = async (): Promise<string> => {
    // By then the beginning of the page has been sent.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const response = await fetch("/api/me").catch((problem: unknown) => String(problem));
    try {
      session.set("note", "set too late");
      return "written";
    } catch (problem) {
      const code = problem instanceof Error && "code" in problem ? String(problem.code) : String(problem);
      return `${code}, ${typeof response === "string" ? response : response.status}`;
    }
  };
  return { late: late() };
};

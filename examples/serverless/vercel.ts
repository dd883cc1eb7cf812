import { site } from "./site.ts";

export default { fetch: (request: Request) => site(request) };

import { site } from "./site.ts";

export default (request: Request) => site(request);

export const config = { path: "/*" };

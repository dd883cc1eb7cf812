import { sessions } from "../utils/sessions.ts";
       export default async (event) => String((await sessions.of(event)) && 0);
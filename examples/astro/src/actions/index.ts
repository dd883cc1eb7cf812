import { crash, fail } from "./failing";
import { login } from "./login";

export const server = { login, fail, crash };

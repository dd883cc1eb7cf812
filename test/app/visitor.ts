/** An answer, read to the end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** The path a redirect leads to. */
  readonly location: string | undefined;
  /** The same without its query. */
  readonly way: string | undefined;
  /** The messages the page shows, in order. */
  readonly messages: readonly { readonly category: string; readonly text: string }[];
}

type Jar = Map<string, { value: string; ends: boolean }>;

/** Somebody with a browser: a cookie jar, and forms that say where they come from. */
export class Visitor {
  readonly #site: { readonly url: string };
  readonly #agent: string;
  /** Name to value and whether the browser forgets it when it closes. */
  readonly jar: Jar;

  constructor(
    site: { readonly url: string },
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    jar: Jar = new Map(),
  ) {
    this.#site = site;
    this.#agent = agent;
    this.jar = jar;
  }

  /** The same browser at the same site behind another port: cookies do not know ports. */
  at(url: string): Visitor {
    return new Visitor({ url }, this.#agent, this.jar);
  }

  /** The session's ticket, as the browser's tools would show it. */
  get ticket(): string | undefined {
    return this.jar.get("__Host-Http-session")?.value;
  }

  /** Opens a page, and does not follow where it leads. */
  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send(path, { method: "GET", headers });
  }

  /** Asks for a page's headers only. */
  head(path: string): Promise<Answer> {
    return this.#send(path, { method: "HEAD", headers: {} });
  }

  /** Opens a page as a person does: to the end of its redirects. */
  async open(path: string): Promise<Answer> {
    let answer = await this.get(path);
    for (let hops = 0; answer.location !== undefined && hops < 10; hops += 1) {
      answer = await this.get(answer.location);
    }
    return answer;
  }

  /** Sends a form, and does not follow where it leads. */
  post(
    path: string,
    fields: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.#send(path, {
      method: "POST",
      body: new URLSearchParams(fields).toString(),
      headers: {
        "Content-Type": "application/x-www-form-urlencoded",
        Origin: this.#site.url,
        "Sec-Fetch-Site": "same-origin",
        ...headers,
      },
    });
  }

  /** Sends a page's form as a person does: on to the page it leads to. */
  async submit(path: string, fields: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.fill(path, fields);
    return answer.location === undefined ? answer : this.open(answer.location);
  }

  /** Opens a page and sends its form, with what is hidden in it. Does not follow where it leads. */
  async fill(path: string, fields: Record<string, string> = {}): Promise<Answer> {
    const owner = /name="owner" value="([^"]*)"/.exec((await this.get(path)).body)?.[1];
    return this.post(path, { ...(owner !== undefined && { owner }), ...fields });
  }

  /** Logs in, as leo unless told otherwise. */
  login(fields: Record<string, string> = {}): Promise<Answer> {
    return this.post("/login", { name: "leo", password: "1234", ...fields });
  }

  /** Closes the browser and opens it again: what is not to be kept is gone. */
  reopen(): void {
    for (const [name, cookie] of this.jar) if (cookie.ends) this.jar.delete(name);
  }

  async #send(
    path: string,
    init: { method: string; headers: Record<string, string>; body?: string },
  ): Promise<Answer> {
    const cookie = [...this.jar].map(([name, { value }]) => `${name}=${value}`).join("; ");
    const response = await fetch(new URL(path, this.#site.url), {
      ...init,
      redirect: "manual",
      headers: { "User-Agent": this.#agent, ...(cookie && { Cookie: cookie }), ...init.headers },
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    const body = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body,
      way: response.headers.get("Location")?.split("?", 1)[0],
      location: response.headers.get("Location") ?? undefined,
      messages: messagesIn(body),
    };
  }

  #keep(line: string): void {
    const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new Error(`A Set-Cookie that nobody can read: ${line}`);
    const age = /; *Max-Age=(-?\d+)/i.exec(line)?.[1];
    if (age !== undefined && Number(age) <= 0) this.jar.delete(name);
    else this.jar.set(name, { value, ends: age === undefined });
  }
}

const box = /<p class="message [^"]*" data-category="([^"]*)">[^]*?<span class="words">([^]*?)<\/span/g;

function messagesIn(body: string): { category: string; text: string }[] {
  return [...body.matchAll(box)].map(([, category = "", text = ""]) => ({ category, text }));
}

import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { docsStatus } from "./docs-status.ts";
import type { DocsStatus } from "./docs-status.ts";

/** What scripts/docs.ts wrote beside the site that it built. */
interface Built {
  readonly hash: string;
  readonly scripts: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

/** A file to serve: its bytes, its type, and a tag that changes with the content. */
export interface DocsFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly tag: string;
  readonly isForever: boolean;
  readonly status: 200 | 404;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

/** The folder where scripts/docs.ts builds the documentation, read anew on each request: it may be built meanwhile. */
export class DocsFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The built site; `undefined` if there is none. */
  get built(): Built | undefined {
    const text = this.#read("built.json");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own script wrote it
    return text && (JSON.parse(text.toString()) as Built);
  }

  /** Why there is none; `undefined` if nobody has built it. */
  get status(): DocsStatus | undefined {
    return docsStatus(this.#folder);
  }

  /**
   * The file for a path below /docs. Only names that the build listed are read, so that no path leads elsewhere.
   * `undefined` if another build took its place just now.
   */
  find({ files }: Built, path: string): DocsFile | undefined {
    const names = path === "" || path.endsWith("/") ? [`${path}index.html`] : [path, `${path}.html`];
    const name = names.find((one) => Object.hasOwn(files, one)) ?? "404.html";
    const bytes = this.#read(name);
    return (
      bytes && {
        body: new Uint8Array(bytes),
        type: TYPES[extname(name)] ?? "application/octet-stream",
        tag: `"${files[name] ?? ""}"`,
        isForever: name.startsWith("assets/"),
        status: name === "404.html" ? 404 : 200,
      }
    );
  }

  #read(name: string): Buffer | undefined {
    try {
      return readFileSync(join(this.#folder, ".built", name));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }
}

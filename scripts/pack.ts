/**
 * What is wrong with the list of files that npm would publish.
 *
 * @param listing what `npm pack --json` printed.
 * @param sources every file of src, as `src/core/ticket.ts`.
 */
export function packFaults(listing: string, sources: readonly string[]): string[] {
  const packed = new Set(pathsOf(JSON.parse(listing)));
  const wanted = new Set(["package.json", "README.md", "LICENSE", ...sources]);
  for (const source of sources) {
    const built = source.replace(/^src\//, "dist/").replace(/\.ts$/, "");
    for (const ending of [".js", ".js.map", ".d.ts", ".d.ts.map"]) wanted.add(built + ending);
  }
  return [
    ...[...wanted].filter((path) => !packed.has(path)).map((path) => `missing from the package: ${path}`),
    ...[...packed].filter((path) => !wanted.has(path)).map((path) => `should not be in the package: ${path}`),
  ];
}

function pathsOf(listing: unknown): string[] {
  // npm 11 prints a list of packages, newer ones an object by name; there is one package either way.
  const [first]: unknown[] = typeof listing === "object" && listing !== null ? Object.values(listing) : [];
  const files: unknown = property(first, "files");
  if (!Array.isArray(files)) throw new TypeError("npm pack --json printed something unknown.");
  return files.map((file: unknown) => String(property(file, "path")));
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

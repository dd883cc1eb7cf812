/** The address of a document, by the name of its file in `docs`. */
export function docsUrl(page: string): string {
  return `/docs/${page}`;
}

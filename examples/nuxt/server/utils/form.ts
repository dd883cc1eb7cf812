/** The fields of a form, or of a JSON body. */
export async function readFields(event: Parameters<typeof readBody>[0]): Promise<Record<string, string>> {
  const fields: unknown = await readBody(event);
  return Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, String(value)]));
}

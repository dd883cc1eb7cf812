/** Imports a package of this folder. Nothing is known of its types here. */
// oxlint-disable-next-line typescript/no-explicit-any -- as above
export async function load(name: string): Promise<any> {
  return import(name);
}

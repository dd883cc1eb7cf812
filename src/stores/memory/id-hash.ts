/** How many characters count; in six of base64url there are 32 bits that are random. */
const counted = 6;

/**
 * A hash of a record's id: of its end, since ids are random all over, and those of records are not for
 * strangers to choose. Every read needs one, and a character takes longer to get at than to reckon with.
 */
export function idHash(id: string): number {
  const { length } = id;
  let bits = 0;
  for (let at = Math.max(0, length - counted); at < length; at++) bits = (bits << 6) ^ id.charCodeAt(at);
  // Fibonacci hashing: what differs anywhere differs in the high bits, which tables look at first.
  return Math.imul(bits, 0x9e3779b1);
}

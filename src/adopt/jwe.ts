import { createDecipheriv, createHmac } from "node:crypto";
import { parseOldData, ownProperty } from "./old-data.ts";
import { bytesEqual, decodeCanonical } from "./secrets.ts";

/** The ways in which next-auth and Auth.js encrypt (RFC 7518 5.2.5 and 5.3), and the length of their keys in bytes. */
export const keyLengths = { A256GCM: 32, "A256CBC-HS512": 64 } as const;
export type Encryption = keyof typeof keyLengths;

/** An encrypted token in compact form (RFC 7516 7.1), with `alg: dir`, so that its second part is empty. */
const shape = /^([\w-]{1,1024})\.\.([\w-]{16,22})\.([\w-]+)\.([\w-]{22,43})$/;

/** The content of a token that was decrypted with its tag checked. */
export interface DecryptedToken {
  /** Everything that the tag authenticates. */
  readonly authenticated: string;
  readonly claims: object | undefined;
}

/** Decrypts a token. @returns `undefined` if it is not one, or the key does not fit. */
export function decryptToken(token: string, encryption: Encryption, key: Buffer): DecryptedToken | undefined {
  const parts = shape.exec(token);
  if (parts === null) return undefined;
  const [, head = "", ...rest] = parts;
  const [iv, ciphertext, tag] = rest.map(decodeCanonical);
  if (iv === undefined || ciphertext === undefined || tag === undefined) return undefined;
  if (!isHeader(head, encryption)) return undefined;
  const plain =
    encryption === "A256GCM"
      ? openGcm(key, head, iv, ciphertext, tag)
      : openCbc(key, head, iv, ciphertext, tag);
  if (plain === undefined) return undefined;
  return { authenticated: token.slice(0, token.lastIndexOf(".")), claims: parseOldData(plain) };
}

/** Nothing but these members: others, such as `crit` and `zip`, would change how the rest is read. */
function isHeader(head: string, encryption: Encryption): boolean {
  const header = parseOldData(Buffer.from(head, "base64url").toString());
  return (
    header !== undefined &&
    ownProperty(header, "alg") === "dir" &&
    ownProperty(header, "enc") === encryption &&
    Object.keys(header).every((name) => ["alg", "enc", "kid", "typ"].includes(name))
  );
}

function openGcm(key: Buffer, head: string, iv: Buffer, ciphertext: Buffer, tag: Buffer): string | undefined {
  if (iv.length !== 12 || tag.length !== 16) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: 16 });
  decipher.setAAD(Buffer.from(head)).setAuthTag(tag);
  return finished(() => Buffer.concat([decipher.update(ciphertext), decipher.final()]));
}

/** The first half of the key is for the mac (RFC 7518 5.2.2.2). */
function openCbc(key: Buffer, head: string, iv: Buffer, ciphertext: Buffer, tag: Buffer): string | undefined {
  if (iv.length !== 16 || tag.length !== 32) return undefined;
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(head.length) * 8n);
  const mac = createHmac("sha512", key.subarray(0, 32))
    .update(head)
    .update(iv)
    .update(ciphertext)
    .update(length);
  if (!bytesEqual(mac.digest().subarray(0, 32), tag)) return undefined;
  return finished(() => {
    const decipher = createDecipheriv("aes-256-cbc", key.subarray(32), iv);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  });
}

function finished(decrypt: () => Buffer): string | undefined {
  try {
    return decrypt().toString();
  } catch {
    // OpenSSL throws for a wrong tag or padding.
    return undefined;
  }
}

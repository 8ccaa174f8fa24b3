import { createHash, randomBytes } from 'node:crypto';
import { nameLength } from '../base/byte-name.ts';
import { MAX_NAME_BYTES } from '../base/peer-name.ts';

/*
 * Names of files that only the server knows: what it writes beside a target, and what it keeps of an upload that broke off. Clients neither see nor reach them. They differ from the names that clients give to their own parts
 * (`.sealift-part`), which are files like any other to a server.
 */

/** An upload under way: `.<mark of the process>-<24 hex digits>.sealift-upload`. */
const UPLOAD_SUFFIX = '.sealift-upload';

/** What is kept of a new file: `.<name>.<user>.sealift-partial`. */
const KEPT_SUFFIX = '.sealift-partial';

/** The same where the name would become too long: `.<hash of the name>.<user>.sealift-hashed-partial`. */
const HASHED_SUFFIX = '.sealift-hashed-partial';

const upload = /^\.([0-9a-f]+(?:-[0-9a-f]+)*)-[0-9a-f]{24}\.sealift-upload$/;
const kept = /^\.(.+)\.([0-9a-f]{16})\.sealift-(hashed-)?partial$/s;

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text, 'utf16le').digest('hex').slice(0, digits);
}

/** A new name for an upload under way. @param maker who makes it: the id of a ProcessMark */
export function uploadName(maker: string): string {
  return `.${maker}-${randomBytes(12).toString('hex')}${UPLOAD_SUFFIX}`;
}

/** The name under which what a user has sent of the new file `name` is kept. Always the same for the same two. */
export function keptName(name: string, user: string): string {
  const tail = `.${digest(user, 16)}`;
  const plain = `.${name}${tail}${KEPT_SUFFIX}`;
  return nameLength(plain) <= MAX_NAME_BYTES ? plain : `.${digest(name, 32)}${tail}${HASHED_SUFFIX}`;
}

/** What a private name says. */
export type PrivateName =
  /** `maker` is the id of a ProcessMark; other texts were made by older versions. */
  | { readonly kind: 'upload'; readonly maker: string }
  /** `name` is undefined where it is not told. */
  | { readonly kind: 'kept'; readonly name: string | undefined }
  /** It has the form and was not made here. */
  | { readonly kind: 'unknown' };

/** Undefined for a name that is not private. */
export function readPrivateName(name: string): PrivateName | undefined {
  if (!isPrivateName(name)) return undefined;
  const maker = upload.exec(name)?.[1];
  if (maker !== undefined) return { kind: 'upload', maker };
  const parts = kept.exec(name);
  if (parts === null) return { kind: 'unknown' };
  return { kind: 'kept', name: parts[3] === undefined ? parts[1] : undefined };
}

/** Whether a name is the server's own, which no client may use. */
export function isPrivateName(name: string): boolean {
  return name.endsWith(UPLOAD_SUFFIX) || name.endsWith(KEPT_SUFFIX) || name.endsWith(HASHED_SUFFIX);
}

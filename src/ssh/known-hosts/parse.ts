import { blobType } from './fingerprint.ts';

/** One usable line of a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
export interface KnownHost {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** `authority`: the key signs host certificates and is no host key itself. `revoked`: the key must never be accepted. */
  readonly marker: 'none' | 'authority' | 'revoked';
  /** The names as written: a comma list of patterns, or one hash. */
  readonly names: string;
  readonly type: string;
  /** The public key blob. */
  readonly key: Buffer;
}

const markers: Readonly<Record<string, KnownHost['marker']>> = {
  '@cert-authority': 'authority',
  '@revoked': 'revoked',
};

const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Decodes `type base64` and checks that the blob is of that type; undefined where it is not. */
export function decodePublicKey(type: string, encoded: string): Buffer | undefined {
  if (!base64.test(encoded)) return undefined;
  const blob = Buffer.from(encoded, 'base64');
  return blobType(blob) === type ? blob : undefined;
}

function parseLine(text: string, file: string, line: number): KnownHost | undefined {
  let fields = text.trim().split(/[ \t]+/);
  if (fields[0] === '' || fields[0]?.startsWith('#')) return undefined;
  let marker: KnownHost['marker'] = 'none';
  if (fields[0]?.startsWith('@')) {
    const known = Object.hasOwn(markers, fields[0]) ? markers[fields[0]] : undefined;
    if (known === undefined) return undefined;
    marker = known;
    fields = fields.slice(1);
  }
  const [names, type, encoded] = fields;
  if (names === undefined || type === undefined || encoded === undefined) return undefined;
  const key = decodePublicKey(type, encoded);
  return key === undefined ? undefined : { file, line, marker, names, type, key };
}

/**
 * Reads the text of a known_hosts file. Total: comments, empty lines, unknown markers, keys of SSH 1 and anything else
 * that is not an entry are left out, as OpenSSH leaves them out.
 */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  const hosts: KnownHost[] = [];
  text.split('\n').forEach((line, index) => {
    const host = parseLine(line, file, index + 1);
    if (host !== undefined) hosts.push(host);
  });
  return hosts;
}

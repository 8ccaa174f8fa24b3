import { mkdir } from 'node:fs/promises';
import { FileError } from '../../base/errors.ts';
import { joinPath } from '../../files/path.ts';
import { generatePrivateKey, newKeyAlgorithms, writePrivateKey } from '../../images/algorithms/private-key.ts';
import { isKeyVersion } from '../../images/image-text.ts';
import { keyTypes } from '../../images/image-types.ts';
import { makeCertificate, NO_EXPIRY } from '../../images/x509/make-certificate.ts';
import { writeCertificatePem } from '../../images/x509/pem.ts';
import { UsageError } from '../getopt.ts';
import { type Read, readOptions } from './options.ts';
import { writeNew } from './output.ts';
import { newPassphrase } from './passphrase.ts';

const DAY_MS = 86_400_000;
/** Twenty years: a device in the field outlives most things. */
const DEFAULT_DAYS = 7300;
/** A certificate that is made now is good on a device whose clock is behind. */
const EARLIER_MS: number = DAY_MS;

const known = [
  'type:',
  'key-version:',
  'out:',
  'algorithm:',
  'cn:',
  'ou:',
  'o:',
  'days:',
  'passphrase-file:',
  'no-passphrase',
];

/** `sealift image keygen`. @returns undefined where help is wanted */
export async function keygen(args: readonly string[]): Promise<number | undefined> {
  const read = readOptions(args, known);
  if (read === undefined) return undefined;
  if (read.operands.length > 0) throw new UsageError(`${read.operands[0]}: keygen takes options only`);
  const type = read.word('type', keyTypes);
  if (type === undefined) throw new UsageError('--type is missing');
  const version = read.needed('key-version');
  if (!isKeyVersion(version)) throw new UsageError(`--key-version ${version}: not a letter from A to Z`);
  const algorithm = read.word('algorithm', newKeyAlgorithms) ?? 'rsa-3072';
  if (read.flag('no-passphrase') && read.text('passphrase-file') !== undefined)
    throw new UsageError('--no-passphrase and --passphrase-file: one of them');
  const dates = validity(read);
  const out = read.text('out') ?? '.';
  const base = joinPath(out, `${type}-${version}`);
  const passphrase = read.flag('no-passphrase')
    ? undefined
    : await newPassphrase(read.text('passphrase-file'), `${type} key ${version}`);
  const privateKey = await generatePrivateKey(algorithm);
  const name = {
    commonName: read.text('cn') ?? `${type} key ${version}`,
    organizationalUnit: read.text('ou') ?? '',
    organization: read.text('o') ?? '',
  };
  const certificate = makeCertificate({ privateKey, name, purpose: { type, version }, ...dates });
  await mkdir(out, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw FileError.from(cause, out, 'mkdir');
  });
  await writeKey(`${base}.key.pem`, writePrivateKey(privateKey, passphrase), 0o600);
  await writeKey(`${base}.crt.pem`, writeCertificatePem(certificate), 0o644);
  process.stdout.write(`${base}.key.pem\n${base}.crt.pem\n`);
  return 0;
}

function validity(read: Read): { readonly notBefore: Date; readonly notAfter: Date } {
  const days = read.number('days', 1, 3_000_000) ?? DEFAULT_DAYS;
  const now = Math.floor(Date.now() / 1000) * 1000;
  const end = Math.min(now + days * DAY_MS, NO_EXPIRY.getTime());
  return { notBefore: new Date(now - EARLIER_MS), notAfter: new Date(end) };
}

/** A key that is there may be the only one that can update thousands of devices. */
async function writeKey(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeNew(path, text, mode);
  } catch (error) {
    if (!(error instanceof FileError) || error.code !== 'EEXIST') throw error;
    const cure = 'keys are never replaced: take another key version, or another folder';
    throw new FileError(path, 'open', 'EEXIST', { cause: error, cure });
  }
}

import { ANY_PRODUCT } from '../../images/image-info.ts';
import { UsageError } from '../getopt.ts';
import type { Reporter } from '../report.ts';
import {
  descriptionOptions,
  readDescription,
  readDigest,
  readNewKeys,
  readSigners,
  signerOptions,
} from './description.ts';
import { readOptions } from './options.ts';
import { signTo } from './sign.ts';

const known = [...signerOptions, ...descriptionOptions, 'new-key:', 'product:', 'payload:', 'out|o:', 'quiet|q'];

/** `sealift image revocation`. @returns undefined where help is wanted */
export async function revocation(args: readonly string[], reporter: Reporter): Promise<number | undefined> {
  const read = readOptions(args, known);
  if (read === undefined) return undefined;
  if (read.operands.length > 0)
    throw new UsageError(`${read.operands[0]}: revocation takes options only; --payload FILE`);
  const out = read.needed('out');
  const paths = read.texts('new-key');
  if (paths.length === 0) throw new UsageError('--new-key is missing');
  const signers = await readSigners(read);
  const newKeys = await readNewKeys(paths, 'production');
  const version = `production-${newKeys[0]?.certificate.purpose?.version ?? ''}`;
  const description = readDescription(read, 'revocation', out, { product: ANY_PRODUCT, version });
  const source = read.text('payload') ?? Buffer.from(program(version), 'utf8');
  await signTo({ source, out, description, signers, newKeys, digest: readDigest(read) }, read, reporter);
  return 0;
}

/** What runs where a revocation image is started and was given nothing else. */
function program(key: string): string {
  return `// A revocation image: it brings the key ${key}, and does nothing else.
process.stdout.write(
  'This image brings the key ${key} to the key storage. It has no other function.\\n' +
    'Add the key, install an image that is signed with it, and start that one.\\n',
);
`;
}

import { FileError, ImageError } from '../../base/errors.ts';
import { readAhead } from '../../files/read-ahead.ts';
import { readImageParts } from '../../images/image-file.ts';
import { type PayloadDigest, type SignedImage, signImage } from '../../images/sign.ts';
import { ImageDigestError } from '../../images/verified.ts';
import { verifyEnvelope } from '../../images/verify-envelope.ts';
import { checkSize } from '../../images/verify-file.ts';
import { UsageError } from '../getopt.ts';
import type { Reporter } from '../report.ts';
import { readNewKeys, readSigners, signerOptions } from './description.ts';
import { openInput, reading } from './input.ts';
import { oneOperand, readOptions } from './options.ts';
import { describeImage } from './sign.ts';
import { lookupOf } from './trust.ts';
import { writeImage } from './write-image.ts';

const known = [...signerOptions, 'new-key:', 'out|o:', 'quiet|q'];

/** `sealift image bundle`. @returns undefined where help is wanted */
export async function bundle(args: readonly string[], reporter: Reporter): Promise<number | undefined> {
  const read = readOptions(args, known);
  if (read === undefined) return undefined;
  const path = oneOperand(read, 'IMAGE');
  const out = read.needed('out');
  const paths = read.texts('new-key');
  if (paths.length === 0) throw new UsageError('--new-key is missing');
  const signers = await readSigners(read);
  const newKeys = await readNewKeys(paths, 'special');
  const trusted = lookupOf(
    signers.map(({ certificate }, index) => ({ path: read.texts('cert')[index] as string, certificate })),
  );
  const input = await openInput(path);
  try {
    if (input.kind !== 'file')
      throw new FileError(path, 'read', 'ERR_NOT_REGULAR_FILE', { reason: 'must be a file: its end is read first' });
    const { file } = input;
    const image = await reading(path, async (): Promise<SignedImage> => {
      const parts = await readImageParts(file);
      const old = verifyEnvelope(parts.envelope, trusted, {});
      checkSize(old.info.size, parts.payloadBytes);
      if (old.info.type !== 'production')
        throw new ImageError('', 'ERR_IMAGE_KEY_TYPE', `it is an image of type ${old.info.type}`, {
          cure: 'new special keys come with production images',
        });
      const { fmt: _, keyVersion: _version, size: _size, bundledKeys: _old, ...description } = old.info;
      const seal = (payload: PayloadDigest): SignedImage => {
        if (Buffer.compare(payload.value, old.signedDigest) !== 0)
          throw new ImageDigestError('', payload.digest, payload.value, old.signedDigest);
        return signImage({ payload, description, newKeys }, signers);
      };
      const payload = readAhead(file, parts.payloadBytes, { chunkBytes: 1024 * 1024 });
      return await writeImage(payload, old.digest, seal, { path: out, source: path });
    });
    for (const warning of image.warnings) reporter.notice(`${out}: ${warning}`);
    if (!read.flag('quiet') && out !== '-') process.stdout.write(`${out}: ${describeImage(image)}\n`);
  } finally {
    await input.close();
  }
  return 0;
}

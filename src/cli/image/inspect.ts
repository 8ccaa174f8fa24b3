import { FileError, SealiftError } from '../../base/errors.ts';
import { authenticityOfFile, displayLine } from '../../images/display.ts';
import { readImageParts } from '../../images/image-file.ts';
import { type InspectedImage, inspectImageFile } from '../../images/inspect.ts';
import { readEnvelope } from '../../images/read-envelope.ts';
import { writeCertificatePem } from '../../images/x509/pem.ts';
import { UsageError } from '../getopt.ts';
import { jsonLine, nameField } from '../json-lines.ts';
import type { Reporter } from '../report.ts';
import { openInput, reading } from './input.ts';
import { type Read, readOptions } from './options.ts';
import { refuseInputs, whole, writeOutput } from './output.ts';
import { tellError } from './tell-error.ts';
import { failureJson } from './verify-text.ts';

const known = ['json', 'certs', 'envelope:', 'payload-size'];

/** `sealift image inspect`. @returns undefined where help is wanted */
export async function inspect(args: readonly string[], reporter: Reporter): Promise<number | undefined> {
  const read = readOptions(args, known);
  if (read === undefined) return undefined;
  if (read.operands.length === 0) throw new UsageError('IMAGE is missing');
  if (read.text('envelope') !== undefined && read.operands.length > 1)
    throw new UsageError('--envelope takes one image at a time');
  let status = 0;
  for (const path of read.operands) {
    try {
      await inspectOne(path, read);
    } catch (error) {
      if (!(error instanceof SealiftError)) throw error;
      if (read.flag('json')) process.stdout.write(jsonLine(failureJson(path, error)));
      else tellError(reporter, error);
      status = 1;
    }
  }
  return status;
}

async function inspectOne(path: string, read: Read): Promise<void> {
  const input = await openInput(path);
  try {
    if (input.kind !== 'file')
      throw new FileError(path, 'read', 'ERR_NOT_REGULAR_FILE', { reason: 'must be a file: only its end is read' });
    const { file } = input;
    const image = await inspectImageFile(file, path);
    const { envelope } = await readImageParts(file);
    const out = read.text('envelope');
    if (out !== undefined) {
      await refuseInputs(out, [path]);
      await writeOutput(out, whole(envelope));
    }
    if (read.flag('payload-size')) process.stdout.write(`${image.size}\n`);
    if (read.flag('certs')) {
      const { signers, bundledCertificates } = await reading(path, () => readEnvelope(envelope));
      const certificates = [...signers.map(({ certificate }) => certificate), ...bundledCertificates];
      process.stdout.write(certificates.map(writeCertificatePem).join(''));
    }
    if (read.flag('json')) process.stdout.write(jsonLine({ ...nameField('image', path), ...image }));
    else if (!read.flag('payload-size') && !read.flag('certs') && out === undefined)
      process.stdout.write(authenticityOfFile(path, image) + furtherLines(image));
  } finally {
    await input.close();
  }
}

/** What devices do not show. */
function furtherLines(image: InspectedImage): string {
  const lines = [
    displayLine(0, 'Product', image.product),
    displayLine(0, 'Software Version', image.version),
    displayLine(0, 'Name when signed', image.name),
    displayLine(0, 'Security Counter', String(image.counter)),
    displayLine(0, 'Payload', `${image.size} bytes, ${image.hashAlgorithm} ${image.payloadDigest}`),
    ...(image.minLoader === undefined ? [] : [displayLine(0, 'Loader at least', image.minLoader)]),
    ...image.signers.map(({ signingTime }) => displayLine(0, 'Signed at', signingTime)),
    ...image.bundledKeys.map((key) =>
      displayLine(0, 'Brings', `${key.type} key version ${key.keyVersion}, ${key.signatureAlgorithm}`),
    ),
    'Not verified: sealift image verify does that.',
  ];
  return lines.map((line) => `${line}\n`).join('');
}

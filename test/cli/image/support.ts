import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyType } from '../../../src/images/types.ts';
import { type Outcome, type RunOptions, runSealift } from '../../support/sealift.ts';
import { createTempDirectory, type OwnedDirectory } from '../../support/temp.ts';

/** A folder in which `sealift image` is used, as somebody in a shell would. */
export class Workshop implements AsyncDisposable {
  readonly #directory: OwnedDirectory;

  private constructor(directory: OwnedDirectory) {
    this.#directory = directory;
  }

  get folder(): string {
    return this.#directory.path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory.remove();
  }

  /** With `app.js` in it. */
  static async create(): Promise<Workshop> {
    const workshop = new Workshop(await createTempDirectory('images'));
    await mkdir(workshop.path('keys'));
    await writeFile(workshop.path('app.js'), 'console.log("hello")\n');
    return workshop;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** `sealift image`, with words that are separated by single spaces. */
  image(line: string, options: RunOptions = {}): Promise<Outcome> {
    return runSealift(['image', ...line.split(' ')], { cwd: this.folder, ...options });
  }

  /** The same; throws where it does not end with 0. @returns standard output */
  async done(line: string, options: RunOptions = {}): Promise<string> {
    const outcome = await this.image(line, options);
    if (outcome.status !== 0) throw new Error(`sealift image ${line}: ${JSON.stringify(outcome)}`);
    return outcome.stdout;
  }

  /** Makes `keys/TYPE-VERSION.*`. */
  async key(type: KeyType, version: string, algorithm = 'ed25519'): Promise<void> {
    await this.done(
      `keygen --type ${type} --key-version ${version} --out keys --algorithm ${algorithm} --no-passphrase`,
    );
  }

  /** Signs `app.js`. */
  async signed(key: string, out: string, more = ''): Promise<void> {
    const words = `--product NX3900 --version 1.0.0 -o ${out}${more === '' ? '' : ` ${more}`}`;
    await this.done(`sign app.js --key keys/${key}.key.pem --cert keys/${key}.crt.pem ${words}`);
  }

  /** A key storage `store` with the keys of version A. */
  async store(): Promise<void> {
    await this.done(
      'store init store --rollover keys/rollover-A.crt.pem --production keys/production-A.crt.pem --special keys/special-A.crt.pem',
    );
  }
}

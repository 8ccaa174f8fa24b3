import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checked } from '../../../src/files/checked.ts';
import { isPrivateName } from '../../../src/files/private-names.ts';
import { rootedFileSystem } from '../../../src/files/rooted.ts';
import type { SftpHandle } from '../../../src/sftp/handle.ts';
import { MARK, markCheck, marked } from '../../support/content-check.ts';
import { fuzzRuns, fuzzTimeout } from '../../support/fuzz.ts';
import { type ClientSession, openClient } from '../../support/sftp-client.ts';
import { tempDirectory } from '../../support/temp.ts';

const RUNS = fuzzRuns(150);

const READ = 1;
const WRITE = 2;
const APPEND = 4;
const CREAT = 8;
const TRUNC = 16;
const EXCL = 32;

const path = fc.constantFrom('/a', '/b', '/d/a', '/old', '/bad');
const text = fc.constantFrom('x', MARK, marked('y').toString(), 'evil', '');
const handle = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) });
const position = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 12 }) });

/** What a client may ask for. Of the handles the last four that were opened count. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('open' as const),
      path,
      flags: fc.constantFrom(
        WRITE | CREAT | TRUNC,
        WRITE | CREAT | EXCL,
        READ | WRITE,
        READ | WRITE | CREAT,
        WRITE | APPEND | CREAT,
        READ,
      ),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), handle, at: position, text }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('close' as const), handle }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('put' as const), path, text }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fsetstat' as const), handle, size: fc.nat({ max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('setstat' as const), path, size: fc.nat({ max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rename' as const), path, to: path, replace: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('link' as const), path, to: path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('symlink' as const), path, to: path }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('copy' as const), handle, to: handle, length: fc.nat({ max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** A client that asks without waiting, and forgets what it is answered. */
class Client {
  #session: ClientSession;
  readonly #open: () => Promise<ClientSession>;
  readonly #handles: Promise<SftpHandle | undefined>[] = [];
  readonly #asked: Promise<unknown>[] = [];

  constructor(session: ClientSession, open: () => Promise<ClientSession>) {
    this.#session = session;
    this.#open = open;
  }

  async #with(index: number, work: (found: SftpHandle) => Promise<unknown>): Promise<void> {
    const found = await this.#handles.at(-1 - index);
    if (found !== undefined) this.#asked.push(work(found).catch(() => {}));
  }

  async ask(one: Step): Promise<void> {
    const { client } = this.#session;
    const add = (work: Promise<unknown>): void => void this.#asked.push(work.catch(() => {}));
    switch (one.do) {
      case 'open':
        this.#handles.push(client.open(one.path, one.flags).catch(() => undefined));
        break;
      case 'put':
        return add(
          client.open(one.path, WRITE | CREAT | TRUNC).then(async (found) => {
            const written = client.write(found, 0, [Buffer.from(one.text)]);
            await Promise.allSettled([written, client.closeHandle(found)]);
          }),
        );
      case 'write':
        return await this.#with(one.handle, (found) => client.write(found, one.at, [Buffer.from(one.text)]));
      case 'close':
        return await this.#with(one.handle, (found) => client.closeHandle(found));
      case 'fsetstat':
        return await this.#with(one.handle, (found) => client.fsetstat(found, { size: one.size }));
      case 'copy': {
        const to = await this.#handles.at(-1 - one.to);
        const range = { fromPosition: 0, toPosition: 0, length: one.length };
        if (to === undefined) return;
        return await this.#with(one.handle, (from) => client.extensions.copyData({ from, to, ...range }));
      }
      case 'setstat':
        return add(client.setstat(one.path, { size: one.size }));
      case 'rename':
        return add(one.replace ? client.extensions.posixRename(one.path, one.to) : client.rename(one.path, one.to));
      case 'link':
        return add(client.extensions.hardlink(one.path, one.to));
      case 'symlink':
        return add(client.symlink(one.path, one.to));
      case 'remove':
        return add(client.remove(one.path));
      case 'cut':
        await this.settle();
        await this.#session.cut();
        this.#handles.length = 0;
        this.#session = await this.#open();
        break;
      default:
        one satisfies never;
    }
  }

  async settle(): Promise<void> {
    await Promise.all([...this.#handles, ...this.#asked.splice(0)]);
  }

  async end(): Promise<void> {
    await this.settle();
    await this.#session.cut();
  }
}

it('whatever clients ask for, in whatever order, nothing gets a name that is not good', {
  timeout: fuzzTimeout(RUNS),
}, async () => {
  const base = await tempDirectory('fuzz');
  let landed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ by: fc.boolean(), step }), { minLength: 3, maxLength: 25 }),
      async (steps) => {
        await rm(base, { recursive: true });
        await mkdir(join(base, 'd'), { recursive: true });
        await writeFile(join(base, 'old'), marked('old'));
        // From before: it may stay, under its own name.
        await writeFile(join(base, 'bad'), 'bad');
        const check = markCheck();
        const open = async (): Promise<ClientSession> =>
          await openClient({
            root: base,
            fileSystem: checked(rootedFileSystem(base), { check, isOwnName: isPrivateName }),
          });
        const clients = [new Client(await open(), open), new Client(await open(), open)] as const;
        const look = async (): Promise<void> => {
          for (const entry of await readdir(base, { recursive: true, withFileTypes: true })) {
            if (entry.isDirectory() || isPrivateName(entry.name)) continue;
            expect(entry.isFile()).toBe(true);
            const found = join(entry.parentPath, entry.name);
            const content = await readFile(found, 'utf8').catch(() => undefined);
            if (content === undefined || (found === join(base, 'bad') && content === 'bad')) continue;
            expect(content.endsWith(MARK) && !/[!\0]/.test(content), `${found}: ${JSON.stringify(content)}`).toBe(true);
            if (content !== marked('old').toString()) landed++;
          }
        };
        for (const one of steps) {
          await clients[one.by ? 0 : 1].ask(one.step);
          await look();
        }
        for (const client of clients) await client.end();
        await look();
        // What is kept was cut, and nothing else is left.
        for (const name of await readdir(base, { recursive: true })) expect(name).not.toMatch(/sealift-upload$/);
      },
    ),
    { numRuns: RUNS },
  );
  expect(landed).toBeGreaterThan(0);
});

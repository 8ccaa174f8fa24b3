import { describe, expect, it } from 'vitest';
import { type Answer, NOTHING, type Override, type SftpPlan, say } from '../support/hostile-sftp-engine.ts';
import {
  attackSftp,
  bothTransports,
  expectSftpCopied,
  expectSftpEnd,
  expectSftpRefused,
  type SftpAttack,
} from '../support/hostile-sftp-run.ts';
import * as wire from '../support/hostile-sftp-wire.ts';
import { canWatchMemory, Watch } from '../support/hostile-watch.ts';

const { names, packet, status, str, u32 } = wire;

const tree: Pick<SftpAttack, 'flags' | 'operands'> = { flags: ['-r'], operands: ['h:d', 'out/'] };
const glob: Pick<SftpAttack, 'operands'> = { operands: ['h:d/*.txt', 'out/'] };
const begun = ['+ work/out/d: directory 755', 't work/out'];
const withListing = (READDIR: Override, more: SftpPlan = {}): SftpPlan => ({
  tree: { d: {} },
  ...more,
  answers: { ...more.answers, READDIR },
});

const fileAttributes = wire.attributes({ mode: wire.FILE_MODE, size: 0 });
const name = (id: number, count: number, ...fields: readonly (string | Uint8Array)[]): Buffer =>
  packet('NAME', id, u32(count), ...fields);

interface ListingCase {
  readonly title: string;
  readonly listing: (id: number) => Answer;
  readonly cause: RegExp;
}

const protocolError = /protocol error: /;

const malformed: readonly ListingCase[] = [
  {
    title: '2^32 - 1 names, and one there',
    listing: (id) => name(id, 0xffff_ffff, wire.entry({ name: 'x' })),
    cause: protocolError,
  },
  { title: 'two names, and one there', listing: (id) => name(id, 2, wire.entry({ name: 'x' })), cause: protocolError },
  { title: 'one name, and none there', listing: (id) => name(id, 1), cause: protocolError },
  {
    title: 'one name, and two there',
    listing: (id) => name(id, 1, wire.entry({ name: 'x' }), wire.entry({ name: 'y' })),
    cause: protocolError,
  },
  { title: 'no count', listing: (id) => packet('NAME', id), cause: protocolError },
  { title: 'a name that is cut short', listing: (id) => name(id, 1, u32(50), 'x'.repeat(20)), cause: protocolError },
  {
    title: 'a name of 2^32 - 1 bytes',
    listing: (id) => name(id, 1, u32(0xffff_ffff), 'x'.repeat(20)),
    cause: protocolError,
  },
  {
    title: 'a longname that is cut short (CVE-2026-0968)',
    listing: (id) => name(id, 1, str('x'), u32(50), 'x'.repeat(20)),
    cause: protocolError,
  },
  { title: 'no attributes', listing: (id) => name(id, 1, str('x'), str('longer than that')), cause: protocolError },
  {
    title: 'attributes that are cut short',
    listing: (id) => name(id, 1, str('x'), str('x'), u32(0xf), '\0\0'),
    cause: protocolError,
  },
  {
    title: '2^32 - 1 extended attributes',
    listing: (id) => name(id, 1, str('x'), str('x'), u32(0x8000_0000), u32(0xffff_ffff), str('a@b'), str('')),
    cause: protocolError,
  },
  {
    title: 'an extended attribute of 2^32 - 1 bytes',
    listing: (id) => name(id, 1, str('x'), str('x'), u32(0x8000_0000), u32(1), u32(0xffff_ffff), 'x'),
    cause: protocolError,
  },
  { title: 'an error', listing: (id) => status(id, wire.FAILURE, 'bad block'), cause: /h:d: bad block/ },
];

describe('a server that lists a directory with', { concurrent: true, timeout: 60_000 }, () => {
  it.each(malformed)('$title is refused, with -r and for a pattern', async ({ listing, cause }) => {
    const plan = withListing(say(listing));
    const result = await attackSftp({ plan, ...tree });
    expectSftpRefused(result, cause, begun);
    const globbed = await attackSftp({ plan, ...glob });
    expectSftpEnd(globbed);
    expect(globbed).toMatchObject({ changes: [] });
    expect([1, 255]).toContain(globbed.status);
  });

  it.each<[string, Uint8Array]>([
    ['a longname of 200,000 bytes', Buffer.concat([str('x'), str('l'.repeat(200_000)), fileAttributes])],
    ['an empty longname', Buffer.concat([str('x'), str(''), fileAttributes])],
    [
      'a longname that is another file (CVE-2026-0968)',
      Buffer.concat([str('x'), str('-rwsr-xr-x 1 root root 5 Jan 1 ../../evil\n\0'), fileAttributes]),
    ],
    [
      'extended attributes',
      Buffer.concat([
        str('x'),
        str('x'),
        u32(0x8000_0004),
        u32(wire.FILE_MODE),
        u32(2),
        str('a@b'),
        str('c'),
        str('d'),
        str('e'),
      ]),
    ],
    [
      'all flags that version 3 does not know',
      Buffer.concat([str('x'), str('x'), u32(0x7fff_fff4), u32(wire.FILE_MODE)]),
    ],
  ])('%s copies the file by its name', async (_, entry) => {
    const READDIR: Override = ({ id }, fake) =>
      fake.count('READDIR') === 1 ? name(id, 1, entry) : status(id, wire.EOF);
    const plan = { ...withListing(READDIR), anything: { content: '' } };
    expectSftpCopied(await attackSftp({ plan, ...tree }), ['+ work/out/d/x: file 644 ""', ...begun]);
  });
});

/** Names that never end. */
const fresh: Override = ({ id }, fake) => {
  const round = fake.count('READDIR');
  return names(
    id,
    Array.from({ length: 100 }, (_, i) => ({ name: `name-${round}-${i}`, longname: '', size: 0 })),
  );
};
const same: Override = ({ id }) =>
  names(
    id,
    Array.from({ length: 100 }, (_, i) => ({ name: `name-${i}`, longname: '' })),
  );

/** Packets full of names that were put together once: the server is to be faster than the client. */
const block = Buffer.concat(Array.from({ length: 4000 }, (_, i) => wire.entry({ name: `name-${i}`, longname: '' })));
const fast: Override = ({ id }) => name(id, 4000, block);

const last =
  (override: Override, rounds: number): Override =>
  (request, fake) =>
    fake.count('READDIR') > rounds ? status(request.id, wire.EOF) : override(request, fake);

describe.each(bothTransports)('a server (%s) that lists', { timeout: 60_000 }, (form) => {
  it('no names, for ever, is given up', async () => {
    const plan = withListing(say((id) => names(id, [])));
    expectSftpRefused(await attackSftp({ form, plan, ...tree }), protocolError, begun);
    const globbed = await attackSftp({ form, plan, ...glob });
    expectSftpRefused(globbed, protocolError);
  });
});

describe('a server that lists', { timeout: 60_000 }, () => {
  it('the same names for ever is given up after a thousand of them', async () => {
    const plan = { ...withListing(same), anything: { content: 'X\n' } };
    const result = await attackSftp({ plan, ...tree, timeoutMs: 40_000 });
    expectSftpEnd(result);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/h:d: lists the same names again and again/);
    expect(result.stderr.match(/is listed twice/g)).toHaveLength(1000);
  });

  it.skipIf(!canWatchMemory)('1,000,000 names of which the pattern matches none takes bounded memory', async () => {
    const plan = withListing(last(fast, 250));
    const result = await attackSftp({ plan, ...glob, timeoutMs: 40_000 });
    expectSftpRefused(result, /h:d\/\*\.txt: No such file or directory/);
  });

  it.skipIf(!canWatchMemory)('names for a pattern, for ever, is given up at a limit', async () => {
    const plan = withListing(fast);
    const result = await attackSftp({ plan, ...glob, timeoutMs: 40_000 });
    expectSftpRefused(result, /too many names|Argument list too long/);
  });
});

/** Runs until the client has been served for a while and interrupts it then. */
async function interrupted(options: SftpAttack, kind: wire.Kind, count: number) {
  const watch = new Watch();
  const { plan = {} } = options;
  const own = plan.answers?.[kind];
  const counting: Override = (request, fake) => {
    if (fake.count(kind) === count) watch.signal('SIGINT');
    return own?.(request, fake);
  };
  const result = await attackSftp({
    ...options,
    plan: { ...plan, answers: { ...plan.answers, [kind]: counting } },
    watch,
    timeoutMs: 40_000,
  });
  expectSftpEnd(result);
  expect(result.status).toBe(1);
  expect(result.sinceSignalMs).toBeLessThan(4000);
  expect(result.changes.filter((line) => !/^[+t] work\/out(\/d(\/[-\w/]*)?)?(:|$)/.test(line))).toEqual([]);
}

describe('Ctrl-C ends a copy of', { timeout: 60_000 }, () => {
  it.skipIf(!canWatchMemory)('a directory of ever new names, which takes bounded memory', async () => {
    await interrupted({ plan: { ...withListing(fresh), anything: { content: '' } }, ...tree }, 'CLOSE', 1000);
  });

  it.skipIf(!canWatchMemory)(
    'a directory of names that cannot be opened, for ever, which takes bounded memory',
    async () => {
      await interrupted({ plan: withListing(fresh), ...tree }, 'OPEN', 6000);
    },
  );

  it('a directory whose listing does not come', async () => {
    await interrupted({ plan: withListing(() => NOTHING), ...tree }, 'READDIR', 1);
  });
});

describe('a server whose directories all hold a directory', { timeout: 60_000 }, () => {
  const deeper: Override = ({ id, handle }, fake) => {
    const path = fake.pathOf(handle);
    const isNew = !fake.log.slice(0, -1).includes(`READDIR ${path}`);
    return isNew ? names(id, [{ name: 'e', mode: wire.DIRECTORY_MODE }]) : status(id, wire.EOF);
  };

  it.each(bothTransports)('(%s) is followed to a limit', async (form) => {
    const plan = { ...withListing(deeper), anything: {} };
    const result = await attackSftp({ form, plan, ...tree });
    expectSftpEnd(result);
    expect(result.stderr).toMatch(/h:d\/e.*nest deeper than/);
    expect(result.status).toBe(1);
    expect(result.changes.filter((line) => !/^(\+ work\/out\/d(\/e)*: directory 755|t work\/out)$/.test(line))).toEqual(
      [],
    );
    expect(result.changes.length).toBeLessThan(130);
  });

  it('by hundreds is followed to a limit or until Ctrl-C', async () => {
    const wide: Override = (request, fake) => {
      const path = fake.pathOf(request.handle);
      const isNew = !fake.log.slice(0, -1).includes(`READDIR ${path}`);
      const entries = Array.from({ length: 100 }, (_, i) => ({ name: `e${i}`, mode: wire.DIRECTORY_MODE }));
      return isNew ? names(request.id, entries) : status(request.id, wire.EOF);
    };
    await interrupted({ plan: { ...withListing(wide), anything: {} }, ...tree }, 'OPENDIR', 300);
  });
});

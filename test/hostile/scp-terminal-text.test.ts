import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blindly, forms, type HostilePeer, type Script } from '../support/hostile-peer.ts';
import { type Attack, attack, runClient, unsafeCharacters, withHostileService } from '../support/hostile-run.ts';
import { Sandbox } from '../support/hostile-sandbox.ts';
import { shareOf } from '../support/large.ts';
import { itPeer, type Peer } from '../support/peers.ts';
import { sealiftLauncher } from '../support/sealift.ts';

/**
 * Escape sequences, C0 and C1 controls, bidirectional controls, invisible and separating characters, and bytes that are no
 * UTF-8 at all. `evil` has no byte that ends a line or a name.
 */
const evilCharacters =
  '\x1b[2J\x1b]0;owned\x07\x9b31m\x90q\x9c\r\b\x7f\u202e\u2066\u200f\u200b\ufeff\u2028\u2029\u00ad\u{e0041}';
const evilBytes = Buffer.concat([
  Buffer.from('FAKE '),
  Buffer.from(evilCharacters),
  Buffer.from([0x9b, 0x33, 0x6d, 0xff, 0xc0, 0xaf, 0xed, 0xa0, 0x80]),
]);
const evil = evilBytes.toString('latin1');

interface TextCase extends Pick<Attack, 'flags' | 'operands' | 'plan' | 'server'> {
  readonly title: string;
  readonly script: Script;
  /** The peer's text does not show at all; elsewhere it must, made harmless. */
  readonly silent?: boolean;
}

const upload: Pick<Attack, 'operands'> = { operands: ['neighbour', 'h:there'] };

const complaint =
  (...pieces: readonly (string | Uint8Array)[]): Script =>
  async (peer) => {
    for (const piece of pieces) {
      await peer.complain(piece);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    await peer.send('\x01no\n');
  };

const after =
  (bytes: string, then: (peer: HostilePeer) => Promise<void> | void): Script =>
  async (peer) => {
    await peer.send(bytes);
    await peer.read(1);
    await then(peer);
  };

const cases: readonly TextCase[] = [
  { title: 'the name of a file that is refused (CVE-2019-6109)', script: blindly(`C0644 2 ${evil}\nX\n\0`) },
  { title: 'the name of a path that is refused', flags: ['-T'], script: blindly(`C0644 2 ../${evil}\nX\n\0`) },
  { title: 'the name of a directory that is refused', flags: ['-r'], script: blindly(`D0755 0 ${evil}\nE\n`) },
  {
    title: 'the name of a file that cannot be written',
    flags: ['-T'],
    script: blindly(`C0644 2 ${evil}${'n'.repeat(250)}\nX\n\0`),
  },
  { title: 'the name of a file whose data breaks off', flags: ['-T'], script: blindly(`C0644 9 ${evil}\nX\n`) },
  {
    title: 'the name of a file whose verdict is garbage',
    flags: ['-T', '-vvv'],
    script: blindly(`C0644 2 ${evil}\nX\n${evil}\n`),
  },
  {
    title: 'the name of a second object for one new file',
    operands: ['h:*', 'new'],
    script: blindly(`C0644 0 a\n\0C0644 0 ${evil}\n\0`),
  },
  {
    title: 'a name below a directory',
    flags: ['-r'],
    operands: ['h:d', 'out/'],
    script: blindly(`D0755 0 d\nC0644 2 ${evil}${'n'.repeat(250)}\nE\n`),
  },
  { title: 'an error message (CVE-2019-6110)', script: blindly(`\x01${evil}\n`) },
  { title: 'an error message that is cut at the limit', script: blindly(`\x01${evil.repeat(100)}\n`) },
  { title: 'its last words', script: blindly(`\x02${evil}\n`) },
  { title: 'the verdict on data', script: blindly(`C0644 2 f\nX\n\x01${evil}\n`) },
  { title: 'its last words as verdict on data', script: blindly(`C0644 2 f\nX\n\x02${evil}\n`) },
  { title: 'garbage as verdict on data', script: blindly(`C0644 2 f\nX\n${evil}\n`) },
  { title: 'a greeting of the login shell', script: blindly(`${evil}\n`) },
  { title: 'a greeting without a line end', script: blindly(evil) },
  { title: 'a record of no known kind, shown with -vvv', flags: ['-vvv'], script: blindly(`T1 0 1 0\nX${evil}\n`) },
  { title: 'standard error (CVE-2019-6110)', script: complaint(`${evil}\n`) },
  { title: 'standard error with CR LF and single CRs', script: complaint(`one\r\ntwo\rthree ${evil}\r\n`) },
  { title: 'standard error without a line end', script: complaint(evil) },
  {
    title: 'standard error in single bytes',
    script: complaint(...Array.from(Buffer.from('\x1b[31m\u009b\u202e\n'), (byte) => Buffer.of(byte))),
  },
  {
    title: 'a line of 100,000 characters on standard error',
    script: complaint(`${'\x1b[31m\u202e'.repeat(12_500)}\n`),
  },
  { title: 'the first reply to an upload', ...upload, script: blindly(`${evil}\n`) },
  { title: 'an error instead of the first reply to an upload', ...upload, script: blindly(`\x01${evil}\n`) },
  {
    title: 'the last words instead of a reply to an upload',
    ...upload,
    script: after('\0', (peer) => peer.send(`\x02${evil}\n`)),
  },
  { title: 'a later reply to an upload', ...upload, script: after('\0', (peer) => peer.send(`${evil}\n`)) },
  {
    title: 'an error about the data of an upload',
    ...upload,
    flags: ['-vvv'],
    script: after('\0\0', (peer) => peer.send(`\x01${evil}\n`)),
  },
];

/** An escape sequence made visible, in one way or another. */
const visible = /\\(?:033|u001b|x1B)\[(?:2J|31m)/;

describe.each(forms)('a server (%s) that puts escape sequences into', { concurrent: true, timeout: 60_000 }, (form) => {
  it.each(shareOf(form, forms, cases))(
    '$title gets none of them onto the terminal',
    async ({ script, title, ...rest }) => {
      const result = await attack({ form, script, ...rest });
      expect(result.status, result.stderr).toBe(1);
      expect(unsafeCharacters(result.rawStderr), title).toEqual([]);
      expect(result.stdout).toBe('');
      expect(result.stderr).toMatch(visible);
    },
  );
});

/** What an SSH server can say before and beside the copy. */
const sayings: readonly TextCase[] = [
  { title: 'its banner', server: { banner: `${evilCharacters}\nFAKE` }, script: blindly('') },
  {
    title: 'the lines before its version',
    server: { greeting: 'FAKE \x1b[2J\u202e' },
    flags: ['-vvv'],
    script: blindly(''),
    silent: true,
  },
  { title: 'its version', server: { ident: 'x\x1b[2J\x1b[31m' }, flags: ['-vvv'], script: blindly('') },
];

describe('a server (server) that puts escape sequences into', { concurrent: true, timeout: 60_000 }, () => {
  it.each(sayings)('$title gets none of them onto the terminal', async ({ script, silent, title, ...rest }) => {
    const result = await attack({ form: 'server', script, ...rest });
    expect(result.status).toBe(1);
    expect(unsafeCharacters(result.rawStderr), title).toEqual([]);
    if (silent !== true) expect(result.stderr).toMatch(visible);
  });
});

const scriptProgram: Peer = { name: 'script', debianPackage: 'bsdutils', command: 'script' };

/** Runs a copy on a terminal of its own and gives back all that the terminal was sent. */
async function onTerminal(
  form: Attack['form'],
  script: Script,
  operands: readonly string[],
  flags: readonly string[],
): Promise<Buffer> {
  await using sandbox = await Sandbox.create();
  return await withHostileService({ form, script }, async (service) => {
    const words = [process.execPath, sealiftLauncher, 'scp', '-O', ...flags, ...service.args, ...operands];
    const line = words.map((word) => `'${word}'`).join(' ');
    const env = { TERM: 'xterm', SHELL: '/bin/sh' };
    const { rawStdout } = await runClient(['script', '-qefc', line, join(sandbox.root, 'typescript')], sandbox, {
      env,
    });
    return rawStdout;
  });
}

/** A meter returns to the start of its line, and a terminal turns a line feed into CR LF; nothing else is allowed. */
function unsafeOnTerminal(shown: Buffer): string[] {
  return unsafeCharacters(shown).filter((found) => found !== 'U+d');
}

const bigEnoughForTheMeter = 300 * 1024;

for (const form of process.platform === 'linux' ? forms : []) {
  describe(`on a terminal, a server (${form}) that puts escape sequences into`, { timeout: 60_000 }, () => {
    itPeer(scriptProgram, 'a file name gets none of them into the progress meter (CVE-2019-6109)', async () => {
      const data = 'x'.repeat(bigEnoughForTheMeter);
      const shown = await onTerminal(form, blindly(`C0644 ${data.length} ${evil}\n${data}\0`), ['h:f', 'out/'], ['-T']);
      expect(shown.toString()).toMatch(/FAKE \\033\[2J.* 100% /);
      expect(unsafeOnTerminal(shown)).toEqual([]);
    });

    itPeer(scriptProgram, 'error messages and standard error gets none of them through', async () => {
      const script: Script = async (peer) => {
        await peer.complain(`${evil}\n`);
        await peer.send(`\x01${evil}\n\x02${evil}\n`);
        await peer.gone;
      };
      const shown = await onTerminal(form, script, ['h:f', 'out/'], []);
      expect(shown.toString()).toContain('\\033[2J');
      expect(unsafeOnTerminal(shown)).toEqual([]);
    });
  });
}

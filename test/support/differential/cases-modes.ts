import { bothWays, type Case, type Named, oneOfEach, type VariantFilter } from './case.ts';
import type { DifferenceId } from './differences.ts';
import type { Tree } from './tree.ts';

const SUB_MODE = 0o755;
const fileModes = [0o400, 0o444, 0o555, 0o600, 0o640, 0o644, 0o666, 0o755, 0o777];
const directoryModes = [0o500, 0o555, 0o700, 0o755, 0o775, 0o777, 0o1777];
const files: Tree = Object.fromEntries(fileModes.map((mode) => [`f${mode.toString(8)}`, { file: 'x', mode }]));
const special: Tree = {
  setuid: { file: 'x', mode: 0o4755 },
  setgid: { file: 'x', mode: 0o2755 },
  sticky: { file: 'x', mode: 0o1777 },
};
const directories: Tree = Object.fromEntries(
  directoryModes.map((mode) => [`d${mode.toString(8)}`, { dir: { f: 'x', sub: { dir: {}, mode: SUB_MODE } }, mode }]),
);
const names = (tree: Tree) => Object.keys(tree).map((name) => `<${name}`);
const octal = (mode: number) => mode.toString(8).padStart(4, '0');

/** `mode PATH: x -> y` for each mode that two programs make different things of. */
function modeLines(
  modes: readonly number[],
  path: (mode: number) => string,
  reference: (mode: number) => number,
  ours: (mode: number) => number,
): string[] {
  const differing = modes.filter((mode) => reference(mode) !== ours(mode));
  return differing.map((mode) => `mode target/to/${path(mode)}: ${octal(reference(mode))} -> ${octal(ours(mode))}`);
}

function directoryLines(reference: (mode: number) => number, ours: (mode: number) => number): string[] {
  const inner = modeLines([SUB_MODE], () => 'dMODE/sub/', reference, ours);
  return [
    ...modeLines(directoryModes, (mode) => `d${mode.toString(8)}/`, reference, ours),
    ...inner.flatMap((line) => directoryModes.map((mode) => line.replace('MODE', mode.toString(8)))),
  ];
}

function difference(id: DifferenceId, where: VariantFilter, lines: readonly string[]): Named[] {
  return lines.length === 0 ? [] : [{ id, in: where, lines }];
}

/** OpenSSH opens directories for itself and takes that back, without the umask, where they were closed. */
const isClosed = (mode: number) => (mode & 0o300) !== 0o300;

/** Modes of new files and directories, for each umask with and without -p. */
const perUmask = (['022', '077', '000'] as const).flatMap((umask): Case[] => {
  const masked = (mode: number) => mode & ~Number.parseInt(umask, 8);
  const target: Tree = { to: { dir: {} } };
  return [
    {
      name: `new files get the mode of the source under umask ${umask}`,
      runs: bothWays,
      source: files,
      target,
      umask,
      args: [...names(files), '>to'],
      differs: difference(
        'read-only-stays',
        'down/sftp',
        modeLines(
          fileModes,
          (mode) => `f${mode.toString(8)}`,
          (mode) => masked(mode | 0o200),
          masked,
        ),
      ),
    },
    {
      name: `new files keep the mode of the source with -p under umask ${umask}`,
      runs: umask === '077' ? bothWays : [],
      source: files,
      target,
      umask,
      args: ['-p', ...names(files), '>to'],
    },
    {
      name: `new directories get the mode of the source under umask ${umask}`,
      runs: bothWays,
      source: directories,
      target,
      umask,
      args: ['-r', ...names(directories), '>to'],
      differs: [
        ...difference(
          'directory-modes-and-umask',
          'up/sftp',
          directoryLines((mode) => mode, masked),
        ),
        ...difference(
          'directory-modes-and-umask',
          'down/sftp',
          directoryLines((mode) => (isClosed(mode) ? mode : masked(mode)), masked),
        ),
      ],
    },
    {
      name: `new directories keep mode and times with -p under umask ${umask}`,
      runs: umask === '000' ? [] : bothWays,
      source: directories,
      target,
      umask,
      args: ['-rp', ...names(directories), '>to'],
      differs: difference(
        'directory-modes-kept',
        'down/sftp',
        directoryLines(
          (mode) => (isClosed(mode) ? mode : masked(mode)),
          (mode) => mode,
        ),
      ),
      builtin: umask === '077',
    },
  ];
});

/** Modes and times. */
export const modeCases: readonly Case[] = [
  ...perUmask,
  {
    name: 'set-user-ID, set-group-ID and sticky files without -p',
    runs: bothWays,
    source: special,
    target: { to: { dir: {} } },
    args: [...names(special), '>to'],
  },
  {
    name: 'set-user-ID, set-group-ID and sticky files with -p',
    runs: bothWays,
    source: special,
    target: { to: { dir: {} } },
    args: ['-p', ...names(special), '>to'],
    differs: [
      {
        id: 'special-bits-dropped',
        in: 'down/scp',
        onlyAsRoot: true,
        lines: ['mode target/to/setgid: 2755 -> 0755', 'mode target/to/setuid: 4755 -> 0755'],
      },
    ],
  },
  {
    name: 'a set-group-ID directory without -p',
    runs: bothWays,
    source: { d: { dir: {}, mode: 0o2755 } },
    args: ['-r', '<d', '>new'],
  },
  {
    name: 'a set-group-ID directory with -p',
    runs: bothWays,
    source: { d: { dir: {}, mode: 0o2755 } },
    args: ['-rp', '<d', '>new'],
    differs: [{ id: 'special-bits-dropped', in: 'down/scp', lines: ['mode target/new/: 2755 -> 0755'] }],
  },
  {
    name: 'a file without any permission',
    runs: bothWays,
    source: { f: { file: 'x', mode: 0 } },
    args: ['<f', '>g'],
    onlyAsRoot: true,
    differs: [{ id: 'read-only-stays', in: 'down/sftp', lines: ['mode target/g: 0200 -> 0000'] }],
  },
  {
    name: 'a file without any permission, with -p',
    runs: bothWays,
    source: { f: { file: 'x', mode: 0 } },
    args: ['-p', '<f', '>g'],
    onlyAsRoot: true,
  },
  {
    name: '-p gives a file that is there the mode and times of the source',
    runs: bothWays,
    source: { f: { file: 'new', mode: 0o751 } },
    target: { g: { file: 'old', mode: 0o600 } },
    args: ['-p', '<f', '>g'],
    builtin: true,
    differs: [{ id: 'lands-beside', in: 'down', lines: ['mtime target/: * -> now'] }],
  },
  {
    name: '-p gives a directory that is there the mode and times of the source',
    runs: bothWays,
    source: { d: { dir: { f: 'F' }, mode: 0o750 } },
    target: { to: { dir: { d: { dir: {}, mode: 0o777 } } } },
    args: ['-rp', '<d', '>to'],
    differs: [{ id: 'directory-modes-kept', in: 'down/sftp', lines: ['mode target/to/d/: 0777 -> 0750'] }],
  },
  {
    name: '-p leaves the directory that files are put into alone',
    runs: oneOfEach,
    source: { f: 'F' },
    target: { to: { dir: {}, mode: 0o711 } },
    args: ['-p', '<f', '>to'],
  },
  {
    name: 'without -p a file that is there gets a new time',
    runs: bothWays,
    source: { f: 'F' },
    target: { g: 'G' },
    args: ['<f', '>g'],
    differs: [{ id: 'lands-beside', in: 'down', lines: ['mtime target/: * -> now'] }],
  },
  {
    name: '-p keeps times at the beginning of the epoch, before it, and after 2038',
    runs: bothWays,
    source: { a: { file: 'A', mtime: 0 }, b: { file: 'B', mtime: -1_000 }, c: { file: 'C', mtime: 4_000_000_000 } },
    target: { to: { dir: {} } },
    args: ['-p', '<a', '<b', '<c', '>to'],
  },
  {
    name: '-p keeps whole seconds only',
    runs: oneOfEach,
    source: { f: { file: 'F', mtime: 1_234_567_890.987 } },
    args: ['-p', '<f', '>g'],
  },
  {
    name: '-p through a link keeps mode and times of the file, and the link',
    runs: bothWays,
    source: { f: { file: 'F', mode: 0o700 }, l: { link: 'f' } },
    target: { real: 'old', k: { link: 'real' } },
    args: ['-p', '<l', '>k'],
    differs: [{ id: 'lands-beside', in: 'down', lines: ['mtime target/: * -> now'] }],
  },
];

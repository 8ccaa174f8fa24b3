import { bothWays, type Case } from './case.ts';

const file = { f: 'new' };
const tree = { d: { dir: { f: 'new', sub: { dir: { g: 'new too' } } } } };
const to = { to: { dir: {} } };

/** What may not be read or written. None of it holds for root. */
export const permissionCases: readonly Case[] = [
  {
    name: 'an unreadable file between two others',
    runs: bothWays,
    source: { a: 'A', u: { file: 'U', mode: 0 }, z: 'Z' },
    target: to,
    args: ['<a', '<u', '<z', '>to'],
    status: 1,
    notAsRoot: true,
    differs: [
      { id: 'wording', in: 'up/sftp', lines: ['message about u'] },
      { id: 'names-host-in-remote-errors', in: 'down/sftp', lines: ['message about u'] },
    ],
  },
  {
    name: 'an unreadable file leaves the target file alone',
    runs: bothWays,
    source: { u: { file: 'U', mode: 0 } },
    target: { f: 'old' },
    args: ['<u', '>f'],
    status: 1,
    changesNothing: true,
    notAsRoot: true,
    differs: [
      { id: 'wording', in: 'up/sftp', lines: ['message about u'] },
      { id: 'names-host-in-remote-errors', in: 'down/sftp', lines: ['message about u'] },
    ],
  },
  {
    name: 'unreadable files and directories in a tree are reported, and the rest is copied',
    runs: bothWays,
    source: { d: { dir: { a: 'A', c: { dir: { x: 'X' }, mode: 0 }, u: { file: 'U', mode: 0 }, z: 'Z' } } },
    target: to,
    args: ['-r', '<d', '>to'],
    status: 1,
    notAsRoot: true,
    differs: [
      { id: 'names-host-in-remote-errors', in: 'sftp', lines: ['message about d/u'] },
      { id: 'directory-modes-and-umask', in: 'sftp', lines: ['mode target/to/d/c/: 0300 -> 0000'] },
    ],
  },
  {
    name: 'an unreadable directory as a source',
    runs: bothWays,
    source: { d: { dir: { x: 'X' }, mode: 0 } },
    target: to,
    args: ['-r', '<d', '>to'],
    status: 1,
    notAsRoot: true,
    changesNothing: 'scp',
    differs: [
      { id: 'names-host-in-remote-errors', in: 'sftp', lines: ['message about d'] },
      { id: 'directory-modes-and-umask', in: 'sftp', lines: ['mode target/to/d/: 0300 -> 0000'] },
    ],
  },
  {
    name: 'a target file that is read-only',
    runs: bothWays,
    source: file,
    target: { g: { file: 'old', mode: 0o444 } },
    args: ['<f', '>g'],
    status: 1,
    changesNothing: true,
    notAsRoot: true,
    differs: [
      { id: 'names-host-in-remote-errors', in: 'up/sftp', lines: ['message about g'] },
      { id: 'wording', in: 'down/sftp', lines: ['message about g'] },
    ],
  },
  {
    name: 'a target directory that is read-only',
    runs: bothWays,
    source: { ...file, ...tree },
    target: { to: { dir: {}, mode: 0o555 } },
    args: ['-r', '<f', '<d', '>to'],
    status: 1,
    changesNothing: true,
    notAsRoot: true,
    differs: [
      { id: 'names-host-in-remote-errors', in: 'up/sftp', lines: ['message about to/f'] },
      { id: 'wording', in: 'down/sftp', lines: ['message about to/f'] },
    ],
  },
  {
    name: 'a file that is there in a target directory that is read-only',
    runs: bothWays,
    source: file,
    target: { to: { dir: { f: 'old' }, mode: 0o555 } },
    args: ['<f', '>to'],
    notAsRoot: true,
  },
  {
    name: 'a target directory that may not be entered',
    runs: bothWays,
    source: file,
    target: { to: { dir: {}, mode: 0 } },
    args: ['<f', '>to/f'],
    status: 1,
    changesNothing: true,
    notAsRoot: true,
    differs: [
      { id: 'names-host-in-remote-errors', in: 'up/sftp', lines: ['message about to/f'] },
      { id: 'wording', in: 'down/sftp', lines: ['message about to/f'] },
    ],
  },
];

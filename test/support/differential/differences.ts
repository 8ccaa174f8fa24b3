export interface Difference {
  readonly when: string;
  readonly openssh: string;
  readonly sealift: string;
  readonly why: string;
}

/**
 * Where ours is meant to differ from OpenSSH 9.2, under the names that cases use: rows for the tables of docs/protocols/.
 * Two differences are everywhere, so they are taken out before anything is compared: error lines begin with `scp:` (OpenSSH: with
 * nothing, `scp:` or the whole path of the program) and end in LF (OpenSSH in SFTP mode: CR LF).
 */
export const differences = {
  wording: {
    when: 'the words of a local error',
    openssh: 'its own',
    sealift: 'others, which name the same path',
    why: 'the reason is said where there is one',
  },
  'names-host-in-remote-errors': {
    when: 'an error on a host, or of the connection to it',
    openssh: '`path: reason`, `lost connection`, or nothing',
    sealift: '`host:path: reason`, `host: lost connection`',
    why: 'a copy may have several hosts',
  },
  'usage-text': {
    when: 'a command line that cannot be understood',
    openssh: 'the usage, at times without a reason',
    sealift: 'the reason, then the usage, with our own options',
    why: 'the reason is what helps',
  },
  'dot-as-source': {
    when: '`dir/.`, `.` and `..` as a source',
    openssh: 'refused by the other side: `unexpected filename`',
    sealift: 'what is in the directory is sent; the target must be there',
    why: 'what `cp` does, and SFTP mode',
  },
  'slash-behind-file': {
    when: '`file/` or `host:file/` as a source',
    openssh: 'refused (not by `-O` for a local file); status 255 for a local one',
    sealift: 'the file',
    why: 'trailing slashes mean nothing to the other side',
  },
  'slash-behind-new-directory': {
    when: '`-r dir host:new/` in SFTP mode',
    openssh: 'refused, though `-O` and downloads do it',
    sealift: 'the directory is made',
    why: 'the same for all directions',
  },
  'dot-dot-stays-inside': {
    when: '`..` at the end of a source in SFTP mode',
    openssh: 'what is in it is put into the directory above the target',
    sealift: 'what is in it is put into the target',
    why: 'nothing is written outside the target; OpenSSH 10.2 does the same',
  },
  'deep-uploads': {
    when: 'an upload of more than 64 levels of directories in SFTP mode',
    openssh: 'stops at 64',
    sealift: 'copies them',
    why: 'they are there',
  },
  'links-to-directories-followed': {
    when: 'a link to a directory in a tree, in SFTP mode',
    openssh: 'not a regular file, status 1',
    sealift: 'followed',
    why: 'as `-O` does, and OpenSSH 10',
  },
  'skipped-is-an-error': {
    when: 'a FIFO or socket in a tree, in SFTP mode',
    openssh: 'reported, status 0',
    sealift: 'reported, status 1',
    why: 'the copy is not whole; `-O` does the same',
  },
  'read-only-stays': {
    when: 'a file that its owner may not write, from a host in SFTP mode without `-p`',
    openssh: 'becomes writable: 0444 -> 0644',
    sealift: '0444 stays 0444, under the umask',
    why: 'as `-O` does',
  },
  'existing-directory-keeps-mode': {
    when: 'a directory that is there at the target, in SFTP mode without `-p`',
    openssh: 'gets the mode of the source',
    sealift: 'keeps its own',
    why: 'as `-O` does; OpenSSH fixed it in 2026 (bz3925)',
  },
  'directory-modes-and-umask': {
    when: 'new directories in SFTP mode without `-p`',
    openssh: 'at times the mode of the source without the umask',
    sealift: 'always under the umask',
    why: 'that is what a umask is for',
  },
  'directory-modes-kept': {
    when: 'directories with `-p`, from a host in SFTP mode',
    openssh: 'times kept, modes not',
    sealift: 'both kept',
    why: 'that is what `-p` says',
  },
  'goes-on-after-what-is-missing': {
    when: 'a local source is missing, or there are several for a file, in SFTP mode',
    openssh: 'ends at once, status 255',
    sealift: 'copies the others and ends with status 1',
    why: 'as with `-O` and in downloads: one bad name is no reason to leave out the others',
  },
  'nothing-to-cut': {
    when: 'a device as the target in SFTP mode',
    openssh: 'complains that it cannot be cut, status 0',
    sealift: 'says nothing',
    why: 'a device has no length',
  },
  'relay-directories-get-new-times': {
    when: 'directories from host to host through here, without `-p`',
    openssh: 'get the times of the source',
    sealift: 'get new times',
    why: 'nobody asked for the old ones',
  },
  'relay-errors-are-shown': {
    when: 'an error of one of two hosts with `-3 -O`',
    openssh: 'not shown; the status is that of the last source',
    sealift: 'shown, status 1',
    why: 'a copy that failed says so',
  },
  'origin-status-is-shown': {
    when: '`-R`, and scp on the first host fails',
    openssh: 'status 1, and what that scp says',
    sealift: 'the same, and a line with the status it ended with',
    why: 'some shells and devices say nothing',
  },
  'quoted-for-the-remote-shell': {
    when: '`host:"a b"`',
    openssh: 'refused without `-T`',
    sealift: 'accepted',
    why: 'the quotes are read as the remote shell reads them',
  },
  'several-onto-one-file': {
    when: 'a second file for a target that is a file',
    openssh: 'overwrites the first, status 0',
    sealift: 'refused, status 1; the first stays',
    why: 'two files cannot be one',
  },
  'line-feed-comes-back': {
    when: 'a name with a line feed, from a host',
    openssh: String.raw`arrives as ${'`'}\^J${'`'}`,
    sealift: 'arrives as it was',
    why: 'the name of a file is kept',
  },
  'links-back-once': {
    when: 'links that lead back into a directory above',
    openssh: 'followed until the system refuses, 40 levels of copies',
    sealift: 'reported once, status 1',
    why: 'the copies are useless',
  },
  'content-of-proc': {
    when: '`/proc` and other files of size 0 with content',
    openssh: '0 bytes, status 0',
    sealift: 'the content, up to 16 MiB',
    why: 'a copy of nothing is a lie',
  },
  'lands-beside': {
    when: 'a local file that is there gets new content',
    openssh: 'written in place',
    sealift: 'the new content is made beside it, so the directory gets a new time',
    why: 'a copy that fails leaves the old content whole',
  },
  'links-below-target': {
    when: '`-r` from a host: what is below the target is a symbolic link',
    openssh: 'followed',
    sealift: 'refused, status 1',
    why: 'a server must not choose which links are followed',
  },
  'fifo-does-not-hang': {
    when: 'a FIFO, as a source or as a local target that nobody reads',
    openssh: 'waits for ever',
    sealift: 'error at once, status 1',
    why: 'a copy should not hang',
  },
  'special-bits-dropped': {
    when: '`-p` from a host: set-user-ID, set-group-ID',
    openssh: 'kept',
    sealift: 'dropped, unless `--preserve-special`',
    why: 'a server should not be able to plant them',
  },
} as const satisfies Record<string, Difference>;

export type DifferenceId = keyof typeof differences;

/** The differences as a table. */
export function differencesAsMarkdown(): string {
  const rows = Object.entries(differences).map(
    ([id, { when, openssh, sealift, why }]) => `| ${id} | ${when} | ${openssh} | ${sealift} | ${why} |`,
  );
  return ['| id | case | OpenSSH | Sealift | why |', '|---|---|---|---|---|', ...rows].join('\n');
}

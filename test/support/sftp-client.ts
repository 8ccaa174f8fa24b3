import { onTestFinished } from 'vitest';
import type { FileSystem } from '../../src/files/file-system.ts';
import { thisProcess } from '../../src/files/process-mark.ts';
import { rootedFileSystem } from '../../src/files/rooted.ts';
import type { SessionFilesOptions } from '../../src/server/sftp/options.ts';
import { nobodyElse } from '../../src/server/sftp/people.ts';
import { SessionFiles } from '../../src/server/sftp/session-files.ts';
import { serveSftp } from '../../src/sftp/server/session.ts';
import { SftpSession } from '../../src/sftp/session.ts';
import { wire } from './streams.ts';

/** What a session reported: transfers as `received /a complete 5 SHA`, changes as `rename /a /b`. */
export type Seen = string[];

export interface ClientSession {
  readonly client: SftpSession;
  readonly seen: Seen;
  /** Breaks the connection off and waits for what the server makes of it. */
  cut(): Promise<void>;
  /** Ends the connection as a client does that has closed everything. */
  quit(): Promise<void>;
}

export type SessionOptions = Partial<SessionFilesOptions> & { readonly root: string };

/** The options of a session on a folder, and where it writes down what it sees. */
export function sessionOptions({ root, ...options }: SessionOptions): { options: SessionFilesOptions; seen: Seen } {
  const seen: Seen = [];
  const fileSystem: FileSystem = options.fileSystem ?? rootedFileSystem(root);
  return {
    seen,
    options: {
      start: '/',
      user: 'alice',
      modeMask: 0o777,
      owners: 'ignore',
      readOnly: false,
      durable: false,
      hashes: true,
      people: nobodyElse,
      process: thisProcess,
      observer: {
        takeSlot: (direction, path) => ({
          start: () => {
            let bytes = 0;
            return {
              moved: (count) => {
                bytes += count;
              },
              ended: (outcome, sha256) =>
                seen.push(`${direction} ${path} ${outcome} ${bytes}${sha256 === undefined ? '' : ` ${sha256}`}`),
            };
          },
          release() {},
        }),
        changed: (operation, path, to) => seen.push([operation, path, ...(to === undefined ? [] : [to])].join(' ')),
        failed: (error) => seen.push(`failed ${error.message}`),
      },
      ...options,
      fileSystem,
    },
  };
}

/** Our own client connected to our own server without SSH between them, on a folder. */
export async function openClient(options: SessionOptions): Promise<ClientSession> {
  const made = sessionOptions(options);
  const pair = wire();
  const served = serveSftp(pair.right, new SessionFiles(made.options)).catch((error: Error) => error);
  const client = await SftpSession.open(pair.left, { host: 'server' });
  const cut = async (): Promise<void> => {
    pair.left.output.end();
    await served;
    client.close();
  };
  onTestFinished(cut);
  return { client, seen: made.seen, cut, quit: cut };
}

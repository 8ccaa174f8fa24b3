/** How the command was started: under the name `scp` it is `sealift scp`. */
export interface Invocation {
  readonly program: 'sealift' | 'scp';
  readonly args: readonly string[];
}

/** What may keep the process alive after the work is done: a program that will not die, a pipe somebody holds. It gets this long. Milliseconds. */
const LINGER_MS = 2000;

const help = `sealift: secure copy for people, scripts and network devices

usage: sealift COMMAND [options] ...

  scp          copy files and directories between hosts, with the command line of scp
  serve        an SSH server for secure copy only
  user         the users of a server, in a file
  image        signed software images: sign, verify, key storage
  sftp-server  SFTP on standard input and output, for the system's sshd
  demo         a server, a tree of files copied there and back, and what to try next
  completion   a script for bash, zsh or fish that completes command lines

  sealift COMMAND --help      the options of a command
  sealift --version

Example: sealift scp -r photos alice@host:backup/
`;

/**
 * Runs a command line.
 *
 * @returns the exit status
 */
export async function main(invocation: Invocation): Promise<number> {
  // Whoever reads what we say may go away, and a log may be full: that is no reason to give up a copy.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const status = await dispatch(invocation);
  setTimeout(() => process.exit(status), LINGER_MS).unref();
  return status;
}

async function dispatch({ program, args }: Invocation): Promise<number> {
  if (program === 'scp') return await scp(args, 'scp');
  const [command, ...rest] = args;
  switch (command) {
    case 'scp':
      return await scp(rest, 'sealift');
    case 'serve': {
      const { serveCommand } = await import('./serve/command.ts');
      return await serveCommand(rest);
    }
    case 'user': {
      const { userCommand } = await import('./user/main.ts');
      return await userCommand(rest);
    }
    case 'image': {
      const { imageCommand } = await import('./image/main.ts');
      return await imageCommand(rest);
    }
    case 'sftp-server': {
      const { sftpServerCommand } = await import('./sftp-server.ts');
      return await sftpServerCommand(rest);
    }
    case 'demo': {
      const { demoCommand } = await import('./demo/demo.ts');
      return await demoCommand(rest);
    }
    case 'completion': {
      const { completionCommand } = await import('./completion/main.ts');
      return await completionCommand(rest, process.argv[1] ?? 'sealift');
    }
    case '--version':
    case '-V': {
      const { version } = await import('./version.ts');
      process.stdout.write(`sealift ${version()}\n`);
      return 0;
    }
    case '--help':
    case '-h':
    case 'help':
      process.stdout.write(help);
      return 0;
    case undefined:
      process.stderr.write(help);
      return 2;
    default:
      process.stderr.write(`sealift: ${JSON.stringify(command)}: no such command; see sealift --help\n`);
      return 2;
  }
}

async function scp(args: readonly string[], program: 'sealift' | 'scp'): Promise<number> {
  const { scpMain } = await import('./scp/main.ts');
  return await scpMain(args, program);
}

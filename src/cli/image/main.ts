import {
  attachSignatureHelp,
  bundleHelp,
  exportAttrsHelp,
  imageHelp,
  inspectHelp,
  keygenHelp,
  revocationHelp,
  signHelp,
  storeHelp,
  verifyHelp,
} from './usage.ts';

/** Runs one command. @returns the exit status; undefined where help is wanted */
type Run = (args: readonly string[], reporter: Reporter, signal: AbortSignal) => Promise<number | undefined>;

type Reporter = import('../report.ts').Reporter;

interface Command {
  readonly help: string;
  /** Loads what the command needs, and nothing before. */
  readonly load: () => Promise<Run>;
}

const commands: Readonly<Record<string, Command>> = {
  keygen: { help: keygenHelp, load: async () => (await import('./keygen.ts')).keygen },
  sign: { help: signHelp, load: async () => (await import('./sign.ts')).sign },
  verify: { help: verifyHelp, load: async () => (await import('./verify.ts')).verify },
  inspect: { help: inspectHelp, load: async () => (await import('./inspect.ts')).inspect },
  revocation: { help: revocationHelp, load: async () => (await import('./revocation.ts')).revocation },
  bundle: { help: bundleHelp, load: async () => (await import('./bundle.ts')).bundle },
  'export-attrs': { help: exportAttrsHelp, load: async () => (await import('./attributes.ts')).exportAttrs },
  'attach-signature': {
    help: attachSignatureHelp,
    load: async () => (await import('./attributes.ts')).attachSignature,
  },
  store: { help: storeHelp, load: async () => (await import('./store.ts')).store },
};

/**
 * `sealift image`.
 *
 * @param args what follows the word `image`
 * @returns the exit status: 0, 1 for an image that is not good and for errors, 2 for a wrong command line
 */
export async function imageCommand(args: readonly string[]): Promise<number> {
  const [word, ...rest] = args;
  if (word === '--help' || word === '-h' || word === 'help') {
    process.stdout.write(imageHelp);
    return 0;
  }
  const command = word !== undefined && Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (command === undefined) {
    const what = word === undefined ? 'what to do is missing' : `${JSON.stringify(word)}: no such command`;
    process.stderr.write(`sealift: image: ${what}; see sealift image --help\n`);
    return 2;
  }
  // Behind `--` are names of files: what is called `--help` has not been verified by showing the help.
  const options = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : rest.length);
  if (options.includes('--help') || options.includes('-h')) {
    process.stdout.write(command.help);
    return 0;
  }
  return await run(word as string, command, rest);
}

/**
 * Watches for what standard output does not take. Who stops reading has what it wants; what a full disk did not take is missing, and a script would not notice.
 *
 * @returns tells the error, if there was one
 */
function watchOutput(): (reporter: Reporter) => Promise<boolean> {
  let lost: NodeJS.ErrnoException | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    lost ??= error;
  });
  return async (reporter) => {
    // The error of a write is told in a turn of its own.
    await new Promise((resolve) => setImmediate(resolve));
    if (lost === undefined || lost.code === 'EPIPE') return false;
    const { FileError } = await import('../../base/errors.ts');
    reporter.error(FileError.from(lost, 'standard output', 'write'));
    return true;
  };
}

async function run(word: string, command: Command, args: readonly string[]): Promise<number> {
  const [{ UsageError }, { Reporter }, { abortOnSignals, Interrupted }, { tellError }, { rawArguments }] =
    await Promise.all([
      import('../getopt.ts'),
      import('../report.ts'),
      import('../signals.ts'),
      import('./tell-error.ts'),
      import('../raw-args.ts'),
    ]);
  const reporter = new Reporter('sealift');
  const isOutputLost = watchOutput();
  const { signal, release } = abortOnSignals(1);
  try {
    const status = await (await command.load())(rawArguments(args), reporter, signal);
    if (status === undefined) process.stdout.write(command.help);
    return (await isOutputLost(reporter)) ? 1 : (status ?? 0);
  } catch (error) {
    if (error instanceof UsageError) {
      reporter.error(error);
      reporter.note(`see sealift image ${word} --help`);
      return 2;
    }
    if (!(error instanceof Interrupted)) tellError(reporter, error);
    return 1;
  } finally {
    release();
  }
}

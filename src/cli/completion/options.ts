/** What follows an option, as far as it can be completed. */
export type OptionValue =
  | { readonly kind: 'text'; readonly name: string }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'host'; readonly name: string }
  /** `isAttached`: the option may stand without it, and it may not be a word of its own. */
  | { readonly kind: 'words'; readonly name: string; readonly words: readonly string[]; readonly isAttached?: true };

/** An option as completion knows it: a letter, a long name, or both for the same thing. */
export interface CompletedOption {
  readonly letter?: string;
  readonly long?: string;
  readonly value?: OptionValue;
  readonly text: string;
}

/** A command of sealift and its options. */
export interface CompletedCommand {
  readonly name: string;
  readonly text: string;
  readonly options: readonly CompletedOption[];
  /** Words that may follow. */
  readonly words?: readonly string[];
}

const text = (name: string): OptionValue => ({ kind: 'text', name });
const file = (name: string): OptionValue => ({ kind: 'file', name });
const words = (name: string, ...list: readonly string[]): OptionValue => ({ kind: 'words', name, words: list });

/** The options of scp that a person types; `-d`, `-f` and `-t` are for the other side. test/cli/scp-documents.test.ts keeps this the same as the parser. */
export const SCP_OPTIONS: readonly CompletedOption[] = [
  { letter: 'r', text: 'copy whole directories' },
  { letter: 'p', text: 'keep modes and times' },
  { letter: 'q', text: 'no progress meter' },
  { letter: 'v', text: 'tell what is going on' },
  { letter: 'l', value: text('Kbit/s'), text: 'limit the rate' },
  { letter: 'O', text: 'use the SCP protocol' },
  { letter: 's', text: 'use SFTP and nothing else' },
  { letter: '3', text: 'copy between two hosts through this machine' },
  { letter: 'R', text: 'let the first host copy to the second' },
  { letter: 'T', text: 'do not compare names with those asked for' },
  { letter: 'X', value: words('setting', 'nrequests=', 'buffer='), text: 'tune the SFTP protocol' },
  { letter: 'j', long: 'parallel', value: text('count'), text: 'files under way at the same time' },
  { letter: 'P', value: text('port'), text: 'port' },
  { letter: 'i', value: file('key'), text: 'private key' },
  { letter: 'F', value: file('file'), text: 'ssh configuration' },
  { letter: 'J', value: { kind: 'host', name: 'host' }, text: 'jump through this host' },
  { letter: 'o', value: text('option'), text: 'option of ssh' },
  { letter: 'c', value: text('cipher'), text: 'cipher' },
  { letter: 'C', text: 'compress' },
  { letter: '4', text: 'IPv4 only' },
  { letter: '6', text: 'IPv6 only' },
  { letter: 'A', text: 'forward the agent' },
  { letter: 'B', text: 'never ask' },
  { letter: 'S', value: file('program'), text: 'program to connect with' },
  { letter: 'D', value: file('program'), text: 'program that speaks SFTP, in place of a connection' },
  { long: 'transport', value: words('way', 'auto', 'ssh', 'builtin'), text: 'how to connect' },
  { long: 'preserve-special', text: 'keep set-user-ID and set-group-ID with -p' },
  { long: 'raw-path', text: 'never quote paths for the other side' },
  { long: 'progress', value: words('form', 'auto', 'bar', 'json', 'none'), text: 'how to show progress' },
  { long: 'resume', text: 'go on where an earlier copy broke off' },
  { long: 'retry', value: text('count'), text: 'connect again after a lost connection' },
  {
    long: 'verify',
    value: { kind: 'words', name: 'how', words: ['sha256', 'signature'], isAttached: true },
    text: 'compare each copy with its source, or verify its signature',
  },
  { long: 'keys', value: file('store'), text: 'the key storage for signatures' },
  { long: 'nvram', value: file('folder'), text: 'counters of the key storage' },
  { long: 'product', value: text('name'), text: 'the product that images must be for' },
  { long: 'atomic', text: 'uploads appear when they are whole and on disk' },
  { long: 'mkdir', text: 'make missing directories on the way to the target' },
  { long: 'include', value: text('pattern'), text: 'copy what matches' },
  { long: 'exclude', value: text('pattern'), text: 'leave out what matches' },
  { long: 'update', text: 'leave out files that are there and not older' },
  { long: 'dry-run', text: 'show what would be copied' },
  { long: 'links', text: 'copy symbolic links as links' },
  { long: 'help', text: 'show all options' },
  { long: 'version', text: 'show the version' },
];

/** The commands of sealift besides scp. */
export const OTHER_COMMANDS: readonly CompletedCommand[] = [
  {
    name: 'serve',
    text: 'an SSH server for secure copy only',
    options: [
      { long: 'data', value: file('folder'), text: 'the folder that users see as /' },
      { long: 'state', value: file('folder'), text: 'where the host keys are kept' },
      { long: 'listen', value: text('address:port'), text: 'where to listen' },
      { long: 'user', value: text('name'), text: 'the name to log in with' },
      { long: 'authorized-keys', value: file('file'), text: 'public keys that may log in' },
      { long: 'password-file', value: file('file'), text: 'a file with the password or its hash' },
      { letter: 'c', long: 'config', value: file('file'), text: 'serve what a configuration says' },
      { long: 'check', text: 'say what is wrong with a configuration' },
      { long: 'json', text: 'answer as JSON' },
      { long: 'watch', text: 'with status: show live transfers' },
      { letter: 'v', long: 'verbose', text: 'report logins and transfers' },
      { letter: 'h', long: 'help', text: 'show all options' },
    ],
    words: ['status', 'sessions', 'transfers', 'kick'],
  },
  {
    name: 'user',
    text: 'the users of a server, in a file',
    options: [
      { long: 'file', value: file('file'), text: 'the users file' },
      { long: 'privilege', value: text('number'), text: '0 to 15' },
      { long: 'group', value: text('name'), text: 'a group that rules may name' },
      { long: 'key', value: file('file'), text: 'public keys' },
      { long: 'methods', value: text('list'), text: 'what has to be proven: publickey,password' },
      { long: 'no-password', text: 'keys only' },
      { letter: 'h', long: 'help', text: 'show all options' },
    ],
    words: ['add', 'passwd', 'remove', 'disable', 'enable', 'list', 'import', 'hash'],
  },
  {
    name: 'image',
    text: 'signed software images',
    options: [
      {
        long: 'type',
        value: words('type', 'production', 'special', 'rollover', 'revocation', 'rommon.production', 'rommon.special'),
        text: 'of a key or an image',
      },
      { long: 'key-version', value: text('letter'), text: 'A to Z' },
      { letter: 'o', long: 'out', value: file('file'), text: 'where it goes' },
      {
        long: 'algorithm',
        value: words(
          'name',
          'rsa-3072',
          'rsa-2048',
          'rsa-4096',
          'ecdsa-p256',
          'ecdsa-p384',
          'ed25519',
          'ml-dsa-44',
          'ml-dsa-65',
          'ml-dsa-87',
        ),
        text: 'of a new key',
      },
      { long: 'cn', value: text('text'), text: 'common name' },
      { long: 'ou', value: text('text'), text: 'organizational unit' },
      { long: 'o', value: text('text'), text: 'organization' },
      { long: 'days', value: text('number'), text: 'validity of the certificate' },
      { long: 'passphrase-file', value: file('file'), text: 'its first line is the passphrase' },
      { long: 'no-passphrase', text: 'leave the key unencrypted' },
      { long: 'key', value: file('file'), text: 'private key' },
      { long: 'cert', value: file('file'), text: 'certificate' },
      { long: 'product', value: text('name'), text: 'the hardware' },
      { long: 'version', value: text('text'), text: 'of the software' },
      { long: 'name', value: text('name'), text: 'in displays' },
      { long: 'counter', value: text('number'), text: 'security counter' },
      { long: 'min-loader', value: text('text'), text: 'least version of a loader' },
      { long: 'digest', value: words('name', 'sha512', 'sha384', 'sha256'), text: 'of the payload' },
      { long: 'bundle', value: file('file'), text: 'certificate of a new special key' },
      { long: 'new-key', value: file('file'), text: 'certificate of a new key' },
      { long: 'payload', value: file('file'), text: 'of a revocation image' },
      { long: 'attrs', value: file('file'), text: 'what export-attrs has written' },
      { long: 'signature', value: file('file'), text: 'made elsewhere' },
      { long: 'store', value: file('folder'), text: 'key storage' },
      { long: 'nvram', value: file('folder'), text: 'counters of the key storage' },
      { long: 'min-signers', value: text('number'), text: 'ask for so many keys' },
      { long: 'min-counter', value: text('number'), text: 'least security counter' },
      { long: 'max-size', value: text('bytes'), text: 'largest payload' },
      { long: 'md5', text: 'show the MD5 of the file too' },
      { long: 'extract', value: file('file'), text: 'write the payload' },
      { long: 'certs', text: 'show the certificates' },
      { long: 'envelope', value: file('file'), text: 'write the envelope' },
      { long: 'payload-size', text: 'show the size of the payload' },
      { long: 'rollover', value: file('file'), text: 'certificate to trust' },
      { long: 'production', value: file('file'), text: 'certificate to trust' },
      { long: 'special', value: file('file'), text: 'certificate to trust' },
      { long: 'from', value: file('image'), text: 'image that brings a key' },
      { long: 'running', value: file('image'), text: 'image that runs' },
      { long: 'autoboot', value: file('image'), text: 'image that starts next' },
      { long: 'rommon', value: file('image'), text: 'upgradable ROM monitor' },
      { long: 'reload-pending', text: 'a reload is scheduled' },
      { long: 'keys', text: 'as the device shows them' },
      { long: 'json', text: 'for programs' },
      { letter: 'q', long: 'quiet', text: 'say less' },
      { letter: 'h', long: 'help', text: 'show all options' },
    ],
    words: ['keygen', 'sign', 'verify', 'inspect', 'revocation', 'bundle', 'export-attrs', 'attach-signature', 'store'],
  },
  {
    name: 'sftp-server',
    text: "SFTP for the system's sshd",
    options: [
      { long: 'root', value: file('folder'), text: 'serve this folder and nothing else' },
      { letter: 'd', value: file('folder'), text: 'begin there' },
      { letter: 'e', text: 'report on standard error' },
      {
        letter: 'l',
        value: words('level', 'QUIET', 'FATAL', 'ERROR', 'INFO', 'VERBOSE', 'DEBUG'),
        text: 'how much is reported',
      },
      { letter: 'P', value: text('requests'), text: 'refuse these requests' },
      { letter: 'p', value: text('requests'), text: 'allow only these requests' },
      { letter: 'Q', value: words('what', 'requests'), text: 'show the names of requests' },
      { letter: 'R', text: 'read only' },
      { letter: 'u', value: text('umask'), text: 'the umask' },
      { letter: 'h', long: 'help', text: 'show all options' },
    ],
  },
  {
    name: 'demo',
    text: 'a server, and a tree of files copied there and back',
    options: [
      { long: 'keep', text: 'keep the server until Ctrl-C' },
      { long: 'transport', value: words('way', 'auto', 'ssh', 'builtin'), text: 'how to connect' },
      { long: 'help', text: 'show all options' },
    ],
  },
  {
    name: 'completion',
    text: 'a script that completes command lines in a shell',
    options: [
      { long: 'scp', text: 'complete the command scp too' },
      { long: 'help', text: 'show all options' },
    ],
    words: ['bash', 'zsh', 'fish'],
  },
];

/** Whether an option may stand without its value, which is attached to it. */
export function isAttached(value: OptionValue | undefined): boolean {
  return value?.kind === 'words' && value.isAttached === true;
}

import { type CompletedOption, type OptionValue, OTHER_COMMANDS, SCP_OPTIONS } from './options.ts';
import type { ScriptOptions } from './script.ts';
import { singleQuoted } from './shell-text.ts';

function valueFlags(value: OptionValue | undefined): string {
  if (value === undefined) return '';
  switch (value.kind) {
    case 'text':
      return ' -x';
    case 'file':
      return ' -r -F';
    case 'host':
      return " -x -a '(__sealift_ask hosts)'";
    case 'words':
      return `${value.isAttached === true ? '' : ' -x'} -a ${singleQuoted(value.words.join(' '))}`;
    default:
      return value satisfies never;
  }
}

/** A `complete` line for each option. */
function optionLines(command: string, condition: string, options: readonly CompletedOption[]): string {
  return options
    .map(({ letter, long, value, text }) => {
      const names = `${letter === undefined ? '' : ` -s ${letter}`}${long === undefined ? '' : ` -l ${long}`}`;
      return `complete -c ${command}${condition}${names}${valueFlags(value)} -d ${singleQuoted(text)}`;
    })
    .join('\n');
}

function scpLines(command: string, condition: string): string {
  return `${optionLines(command, condition, SCP_OPTIONS)}
complete -c ${command}${condition} -a '(__sealift_ask operands)'`;
}

function commandLines(): string {
  return OTHER_COMMANDS.map(({ name, options, words = [] }) => {
    const condition = ` -n '__fish_seen_subcommand_from ${name}'`;
    const own = optionLines('sealift', condition, options);
    return words.length === 0 ? own : `${own}\ncomplete -c sealift${condition} -f -a ${singleQuoted(words.join(' '))}`;
  }).join('\n');
}

/** The script for fish 3 and later. */
export function fishScript({ program, withScp }: ScriptOptions): string {
  const commands = [
    { name: 'scp', text: 'copy files and directories between hosts' },
    ...OTHER_COMMANDS.map(({ name, text }) => ({ name, text })),
  ];
  const first = commands.map(
    ({ name, text }) => `complete -c sealift -n __fish_use_subcommand -f -a ${name} -d ${singleQuoted(text)}`,
  );
  return `# Completion of sealift for fish 3 and later. Made by: sealift completion fish${withScp ? ' --scp' : ''}

set -g __sealift_program ${singleQuoted(program)}

# Asks sealift: hosts or operands.
function __sealift_ask
    set -l before (commandline -opc)
    set -e before[1]
    test "$before[1]" = scp; and set -e before[1]
    # The option whose value is completed has none yet.
    test $argv[1] = hosts; and set -e before[-1]
    set -l word (commandline -ct | string unescape)
    $__sealift_program completion $argv[1] "$word" $before </dev/null 2>/dev/null
end

# Whether what is typed is a path on a host: then no local file is meant.
function __sealift_is_remote
    string match -qr '^[^/]*:' -- (commandline -ct)
end

complete -c sealift -n __sealift_is_remote -f
${first.join('\n')}
${scpLines('sealift', " -n '__fish_seen_subcommand_from scp'")}
${commandLines()}
${withScp ? `\ncomplete -c scp -e\ncomplete -c scp -n __sealift_is_remote -f\n${scpLines('scp', '')}\n` : ''}`;
}

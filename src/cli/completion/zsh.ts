import { type CompletedOption, isAttached, type OptionValue, OTHER_COMMANDS, SCP_OPTIONS } from './options.ts';
import type { ScriptOptions } from './script.ts';
import { singleQuoted } from './shell-text.ts';

/** `:name:action` of _arguments. */
function valueSpec(value: OptionValue | undefined): string {
  if (value === undefined) return '';
  const name = value.name.replaceAll(':', String.raw`\:`);
  switch (value.kind) {
    case 'text':
      return `:${name}: `;
    case 'file':
      return `:${name}:_files`;
    case 'host':
      return `:${name}:_sealift_hosts`;
    case 'words':
      return `${value.isAttached === true ? ':' : ''}:${name}:(${value.words.join(' ')})`;
    default:
      return value satisfies never;
  }
}

/** The arguments of _arguments for some options: all may be repeated, since the last or each of them counts. */
function specs(options: readonly CompletedOption[]): string {
  const lines: string[] = [];
  for (const { letter, long, value, text } of options) {
    const rest = `[${text}]${valueSpec(value)}`;
    if (letter !== undefined) lines.push(singleQuoted(`*-${letter}${value === undefined ? '' : '+'}${rest}`));
    if (long !== undefined)
      lines.push(singleQuoted(`*--${long}${value === undefined ? '' : isAttached(value) ? '=-' : '='}${rest}`));
  }
  return lines.map((line) => `    ${line} \\`).join('\n');
}

function commandCases(): string {
  return OTHER_COMMANDS.map(
    ({ name, options, words }) => `      ${name})
        _arguments -s \\
${specs(options)}
    ${words === undefined ? '&& return 0' : `'1:what:(${words.join(' ')})'`}
        ;;`,
  ).join('\n');
}

/** The script for zsh: to be sourced after compinit, or to lie in a folder of fpath as `_sealift`. */
export function zshScript({ program, withScp }: ScriptOptions): string {
  const commands = [
    { name: 'scp', text: 'copy files and directories between hosts' },
    ...OTHER_COMMANDS.map(({ name, text }) => ({ name, text })),
  ];
  const names = withScp ? 'sealift scp' : 'sealift';
  return `#compdef ${names}
# Completion of sealift for zsh. Made by: sealift completion zsh${withScp ? ' --scp' : ''}

typeset -g _sealift_program=${singleQuoted(program)}

# Asks sealift: hosts or operands. Sets \`found\`; the words behind scp come from \`line_words\`.
_sealift_ask() {
  local -a before
  local word
  for word in "\${(@)line_words}"; do before+=("\${(Q)word}"); done
  # _arguments may have put the beginning of the word aside.
  found=(\${(f)"$($_sealift_program completion $1 "\${(Q)PREFIX}" "\${(@)before}" </dev/null 2>/dev/null)"})
}

_sealift_hosts() {
  local -a found line_words expl
  # Without the option whose value this is.
  line_words=("\${(@)scp_words[1,-2]}")
  _sealift_ask hosts
  _wanted hosts expl host compadd -a found
}

_sealift_operands() {
  local -a found line_words open whole shown expl
  local typed=\${(Q)PREFIX} status_=1
  line_words=("\${(@)scp_words}")
  if [[ $typed != [./~]* ]]; then
    _sealift_ask operands
    open=(\${(M)found:#*[/:]})
    whole=(\${found:#*[/:]})
    if [[ $typed == *:* && \${typed%%:*} != */* ]]; then
      shown=(\${\${open%/}##*[:/]})
      shown=(\${^shown}/)
      (( $#open )) && _wanted remote-files expl 'remote path' compadd -S '' -d shown -a open && status_=0
      shown=(\${whole##*[:/]})
      (( $#whole )) && _wanted remote-files expl 'remote path' compadd -d shown -a whole && status_=0
      return status_
    fi
    (( $#open )) && _wanted hosts expl host compadd -S '' -a open && status_=0
  fi
  _files && status_=0
  return status_
}

_sealift_scp() {
  local -a scp_words
  scp_words=("\${(@)words[2,CURRENT-1]}")
  _arguments -s -A '-*' \\
${specs(SCP_OPTIONS)}
    '*:file or host:_sealift_operands'
}

_sealift() {
  local curcontext=$curcontext
  if [[ $service == scp ]]; then
    _sealift_scp
    return
  fi
  if (( CURRENT == 2 )); then
    local -a commands
    commands=(${commands.map(({ name, text }) => singleQuoted(`${name}:${text}`)).join(' ')})
    _describe command commands
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
    scp) _sealift_scp ;;
${commandCases()}
  esac
}

if [[ $funcstack[1] == _sealift ]]; then
  _sealift "$@"
else
  compdef _sealift ${names}
fi
`;
}

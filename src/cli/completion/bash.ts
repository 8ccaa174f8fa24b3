import { type CompletedOption, isAttached, OTHER_COMMANDS, SCP_OPTIONS } from './options.ts';
import type { ScriptOptions } from './script.ts';
import { singleQuoted } from './shell-text.ts';

/** `-r --resume …`, as they are typed. */
function spelled(options: readonly CompletedOption[]): string {
  return options
    .flatMap(({ letter, long, value }) => [
      ...(letter ? [`-${letter}`] : []),
      ...(long ? [`--${long}`] : []),
      ...(isAttached(value) && value?.kind === 'words' ? value.words.map((word) => `--${long}=${word}`) : []),
    ])
    .join(' ');
}

/** The branches of a `case` that gives each option with a value what may follow: a word for each kind. */
function valueCases(options: readonly CompletedOption[]): string {
  const lines: string[] = [];
  for (const { letter, long, value } of options) {
    if (value === undefined) continue;
    // Behind the = only: as a word of its own it would be an operand.
    const end = isAttached(value) ? '=' : '';
    const names = [...(letter ? [`-${letter}`] : []), ...(long ? [`--${long}${end}`] : [])].join('|');
    const kind = value.kind === 'words' ? `words ${value.words.join(' ')}` : value.kind;
    lines.push(`    ${names}) REPLY='${kind}' ;;`);
  }
  return lines.join('\n');
}

function lettersWithValue(options: readonly CompletedOption[]): string {
  return options.map(({ letter, value }) => (letter !== undefined && value !== undefined ? letter : '')).join('');
}

function commandCases(): string {
  return OTHER_COMMANDS.map(({ name, options, words = [] }) => {
    const spellings = [spelled(options), ...words].join(' ');
    return `    ${name}) _sealift_plain_options ${singleQuoted(spellings)} ;;`;
  }).join('\n');
}

/** The script for bash 4 and later. */
export function bashScript({ program, withScp }: ScriptOptions): string {
  const names = ['scp', ...OTHER_COMMANDS.map(({ name }) => name)].join(' ');
  return `# Completion of sealift for bash 4 and later. Made by: sealift completion bash${withScp ? ' --scp' : ''}

_sealift_program=${singleQuoted(program)}

# Splits the line up to the cursor as the shell does, since COMP_WORDS is split at colons too. Sets:
# words: unquoted, without the last; cur: the last, unquoted; quote: the quote that is open;
# head: how much of cur, unquoted, stands before what readline will replace.
_sealift_split() {
  local line=\${COMP_LINE:0:COMP_POINT} at=0 char in_word=
  local keep=$(( \${#line} - $1 ))
  words=() cur= quote= head=0
  for (( at = 0; at < \${#line}; at++ )); do
    char=\${line:at:1}
    (( at == keep )) && head=\${#cur}
    case $quote in
      \\') if [[ $char == \\' ]]; then quote=; else cur+=$char; fi; continue ;;
      \\")
        if [[ $char == \\" ]]; then quote=
        elif [[ $char == \\\\ && \${line:at+1:1} == [\\"\\\\\\\`\\$] ]]; then cur+=\${line:$((++at)):1}
        else cur+=$char; fi
        continue ;;
    esac
    case $char in
      [\\'\\"]) quote=$char in_word=1 ;;
      \\\\) cur+=\${line:$((++at)):1} in_word=1 ;;
      [[:space:]]) [[ $in_word ]] && words+=("$cur"); cur= in_word= ;;
      *) cur+=$char in_word=1 ;;
    esac
  done
  (( at <= keep )) && head=\${#cur}
  return 0
}

# Offers those of the words, unquoted and whole, that go on from what was typed.
_sealift_offer() {
  local word rest
  for word; do
    [[ \${word:0:\${#cur}} == "$cur" ]] || continue
    rest=\${word:head}
    case $quote in
      \\') rest=\${rest//\\'/"'\\\\''"} ;;
      # Inside double quotes nothing keeps an exclamation mark from the history.
      \\") [[ $rest == *!* ]] && continue; rest=\${rest//\\\\/\\\\\\\\}; rest=\${rest//\\"/\\\\\\"}; rest=\${rest//\\$/\\\\\\$}; rest=\${rest//\\\`/\\\\\\\`} ;;
      *) _sealift_escape ;;
    esac
    COMPREPLY+=("$rest")
  done
  # The word is not over behind these.
  [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *[/:=] ]] && compopt -o nospace 2>/dev/null
}

# Puts a backslash before what means something to the shell.
_sealift_escape() {
  local text=$rest at char
  rest=
  for (( at = 0; at < \${#text}; at++ )); do
    char=\${text:at:1}
    case $char in
      [[:alnum:]]|[-_./:@%+=,^]) rest+=$char ;;
      [\\ -~]) rest+=\\\\$char ;;
      *) rest+=$char ;;
    esac
  done
}

# Asks sealift: hosts or operands, then the word, then the words before it.
_sealift_ask() {
  local -a found=()
  mapfile -t found < <("$_sealift_program" completion "$@" </dev/null 2>/dev/null)
  _sealift_offer "\${found[@]}"
}

_sealift_no_files() {
  compopt +o default +o bashdefault 2>/dev/null
}

# What follows an option of scp, in REPLY; nothing where it takes no value.
_sealift_value() {
  REPLY=
  case $1 in
${valueCases(SCP_OPTIONS)}
  esac
}

_sealift_plain_options() {
  if [[ $cur == -* ]] || [[ $1 == *' bash '* ]]; then _sealift_offer $1; fi
}

# Completes behind scp. $1: how many of the words come before its own.
_sealift_scp_line() {
  local -a before=("\${words[@]:$1}")
  local at word last= REPLY= options=1
  for (( at = 0; at < \${#before[@]}; at++ )); do
    word=\${before[at]}
    if [[ $last ]]; then last=
    elif [[ $word == -- ]]; then options=; break
    elif [[ $word == --*=* ]]; then :
    elif [[ $word == --* ]]; then
      _sealift_value "$word"
      [[ $REPLY ]] && last=$word
    elif [[ $word == -?* ]]; then
      # The first letter with a value takes the rest of the word, or the next one.
      word=\${word#-}
      while [[ $word && $word != [${lettersWithValue(SCP_OPTIONS)}]* ]]; do word=\${word:1}; done
      [[ \${#word} == 1 ]] && last=-$word
    else options=; break; fi
  done
  if [[ $last ]]; then
    _sealift_value "$last"
    case $REPLY in
      file) ;;
      host) _sealift_no_files; _sealift_ask hosts "$cur" "\${before[@]:0:\${#before[@]}-1}" ;;
      words*) _sealift_no_files; _sealift_offer \${REPLY#words } ;;
      *) _sealift_no_files ;;
    esac
  elif [[ $options && $cur == --*=* ]]; then
    _sealift_value "\${cur%%=*}="
    [[ $REPLY ]] || _sealift_value "\${cur%%=*}"
    case $REPLY in
      words*) _sealift_no_files; set -- \${REPLY#words }; _sealift_offer "\${@/#/\${cur%%=*}=}" ;;
    esac
  elif [[ $options && $cur == -* ]]; then
    _sealift_no_files
    _sealift_offer ${spelled(SCP_OPTIONS)}
  elif [[ $cur == [./~]* ]]; then :
  else
    _sealift_ask operands "$cur" "\${before[@]}"
    if [[ $cur == *:* && \${cur%%:*} != */* ]]; then _sealift_no_files
    elif [[ \${#COMPREPLY[@]} -gt 0 && $quote == '' && $cur != */* ]]; then
      # Hosts and files begin alike.
      local -a files=()
      mapfile -t files < <(compgen -f -- "$cur")
      for at in "\${!files[@]}"; do
        [[ -d \${files[at]} ]] && files[at]+=/
        # A file whose name has a colon is a host to scp.
        [[ \${files[at]} == *:* ]] && files[at]=./\${files[at]}
      done
      _sealift_offer "\${files[@]}"
    fi
  fi
}

_sealift() {
  local -a words
  local cur quote head
  COMPREPLY=()
  _sealift_split "\${#2}"
  if (( \${#words[@]} == 1 )); then
    _sealift_no_files
    _sealift_offer ${names} --help --version
    return 0
  fi
  case \${words[1]} in
    scp) _sealift_scp_line 2 ;;
${commandCases()}
  esac
  return 0
}

_sealift_as_scp() {
  local -a words
  local cur quote head
  COMPREPLY=()
  _sealift_split "\${#2}"
  _sealift_scp_line 1
  return 0
}

complete -o default -F _sealift sealift
${withScp ? 'complete -o default -F _sealift_as_scp scp\n' : ''}`;
}

/**
 * `rainbow completion SHELL`: a script for the shell, which asks the hidden command `complete` what could come next.
 * The scripts evaluate nothing of what is being typed.
 */
import { Argument, type Command } from 'commander';
import type { Invocation, Run } from '../invocation.ts';
import { readSettings } from '../settings.ts';
import { suggest } from '../suggest.ts';

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# Completion of rainbow for bash. Once: rainbow completion bash > ~/.local/share/bash-completion/completions/rainbow
_rainbow() {
  local value
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    if [[ $value == ":files" ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
    else
      COMPREPLY+=("$value")
    fi
  done < <(rainbow complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _rainbow rainbow`,
  zsh: `#compdef rainbow
# Completion of rainbow for zsh. Once: rainbow completion zsh > a folder of your fpath, as _rainbow
_rainbow() {
  local -a values
  local line files=
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
    else
      values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <(rainbow complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#values )) && _describe 'rainbow' values
  [[ -n $files ]] && _files
  return 0
}
if [[ \${funcstack[1]} == _rainbow ]]; then _rainbow "$@"; else compdef _rainbow rainbow; fi`,
  fish: `# Completion of rainbow for fish. Once: rainbow completion fish > ~/.config/fish/completions/rainbow.fish
function __rainbow_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (rainbow complete -- $words[2..-1] 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      printf '%s\\n' $line
    end
  end
end
complete -c rainbow -f -a '(__rainbow_complete)'`,
};

export function addCompletion(parent: Command, run: Run): void {
  parent
    .command('completion')
    .description('a script that lets your shell complete rainbow’s commands and options')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(rainbow completion bash)\n  rainbow completion fish > ~/.config/fish/completions/rainbow.fish',
    )
    .action(run(completion));
  parent
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action(run((invocation: Invocation, _options: object, words) => complete(invocation, parent, words)));
}

async function completion(invocation: Invocation, _options: object, args: readonly string[]): Promise<void> {
  const script = SCRIPTS[args[0] ?? ''] ?? '';
  invocation.result({ shell: args[0], script }, script);
}

/** One suggestion a line, a tab before its description; `:files` where names of files could stand. */
async function complete(invocation: Invocation, program: Command, words: readonly string[]): Promise<void> {
  // A broken configuration must not break completion.
  const names = await readSettings(invocation).then(
    ({ config }) => config.clusters.map(({ name }) => name),
    () => [],
  );
  const { values, files } = suggest(program, words, names);
  for (const { value, description } of values) {
    invocation.print(description === '' ? value : `${value}\t${description.split('\n')[0]}`);
  }
  if (files) invocation.print(':files');
}

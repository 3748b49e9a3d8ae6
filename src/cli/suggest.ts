/** What could come next on a command line, from the program itself; pure, so that all shells share it. */
import type { Command, Option } from 'commander';

export interface Suggestion {
  readonly value: string;
  readonly description: string;
}

export interface Suggestions {
  readonly values: readonly Suggestion[];
  /** Names of files could stand here, too. */
  readonly files: boolean;
}

/** `words`: after the program's name, the last one being typed (perhaps empty). */
export function suggest(program: Command, words: readonly string[], clusterNames: readonly string[]): Suggestions {
  const before = joinEquals(words.slice(0, -1));
  const typed = words.at(-1) === '=' ? '' : (words.at(-1) ?? '');

  // 1. Which command is it, and what stands open?
  let command = program;
  let positional = 0;
  let open: Option | null = null;
  for (const word of before) {
    if (word === '--') return { values: [], files: true };
    if (open !== null) {
      open = null;
    } else if (word.startsWith('-')) {
      const found = word.includes('=') ? null : optionNamed(command, word);
      if (found !== null && (found.required || found.optional)) open = found;
    } else {
      const sub = visible(command).find((candidate) => candidate.name() === word);
      if (sub !== undefined && positional === 0) command = sub;
      else positional++;
    }
  }

  // 2. The value of an option.
  if (open !== null) return valuesOf(open, typed, '', clusterNames);
  const assigned = /^(--[^=]+)=(.*)$/s.exec(typed);
  if (assigned?.[1] !== undefined) {
    const option = optionNamed(command, assigned[1]);
    return option === null
      ? { values: [], files: false }
      : valuesOf(option, assigned[2] ?? '', `${assigned[1]}=`, clusterNames);
  }

  // 3. An option, a command, an argument.
  if (typed.startsWith('-')) {
    const values = optionsOf(command).flatMap((option) =>
      [option.long, option.short]
        .filter((flag): flag is string => typeof flag === 'string')
        .map((value) => ({ value, description: option.description })),
    );
    return { values: values.filter(({ value }) => value.startsWith(typed)), files: false };
  }
  const subs = positional === 0 ? visible(command) : [];
  const values = subs
    .map((sub) => ({ value: sub.name(), description: sub.description() }))
    .filter(({ value }) => value.startsWith(typed));
  const argument = command.registeredArguments[Math.min(positional, command.registeredArguments.length - 1)];
  const choices = (argument?.argChoices ?? [])
    .filter((value) => value.startsWith(typed))
    .map((value) => ({ value, description: '' }));
  return { values: [...values, ...choices], files: argument !== undefined && isFile(argument.name()) };
}

/** Bash gives `--state=run` as three words. */
function joinEquals(words: readonly string[]): readonly string[] {
  return words.filter((word) => word !== '=');
}

function visible(command: Command): Command[] {
  return command.createHelp().visibleCommands(command);
}

function optionsOf(command: Command): Option[] {
  const options: Option[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) {
    options.push(...at.createHelp().visibleOptions(at));
  }
  const seen = new Set<string>();
  return options.filter(({ flags }) => !seen.has(flags) && seen.add(flags));
}

function optionNamed(command: Command, flag: string): Option | null {
  return optionsOf(command).find(({ long, short }) => long === flag || short === flag) ?? null;
}

function isFile(name: string): boolean {
  return /files?$|folder$|jobspec$/.test(name);
}

function valuesOf(option: Option, typed: string, prefix: string, clusterNames: readonly string[]): Suggestions {
  const argument = /[<[]([^\]>]+)[\]>]/.exec(option.flags)?.[1] ?? '';
  const isCluster = option.long === '--cluster' || option.long === '--cluster-name';
  const known = option.argChoices ?? (isCluster ? clusterNames : []);
  return {
    values: known
      .filter((value) => value.startsWith(typed))
      .map((value) => ({ value: prefix + value, description: '' })),
    files: isFile(argument),
  };
}

/**
 * Writes docs/commands.md from the command line's own program; with `--check` only says whether it is up to date.
 */
import type { EventEmitter } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { createProgram } from '../src/cli/program.ts';
import type { Io, Sink } from '../src/cli/io.ts';
import { realSystem } from '../src/system/real.ts';

const file = join(import.meta.dirname, '..', 'docs', 'commands.md');

const nowhere: Sink = { write() {}, isTTY: false, columns: 100 };
const io: Io = {
  stdout: nowhere,
  stderr: nowhere,
  readStdin: async () => '',
  env: {},
  system: realSystem,
  signal: new AbortController().signal,
};

/** Text in a table's cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
}

function optionRow(option: Option): string {
  const notes = [
    ...(option.mandatory ? ['required'] : []),
    ...(option.argChoices === undefined ? [] : [`one of ${option.argChoices.join(', ')}`]),
    ...(option.defaultValue === undefined ? [] : [`default ${String(option.defaultValue)}`]),
  ];
  return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${cell(option.description)}${notes.length === 0 ? '' : ` (${notes.join('; ')})`} |`;
}

function optionTable(options: readonly Option[]): string[] {
  return options.length === 0 ? [] : ['', '| option | meaning |', '|---|---|', ...options.map(optionRow)];
}

function usage(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  return `${names.join(' ')} ${command.usage()}`.trim();
}

/** What `addHelpText('after', …)` added: whoever added it listens to this event. */
function afterHelp(command: Command): string {
  let text = '';
  // Commander's types leave out that a command is an emitter.
  (command as unknown as EventEmitter).emit('afterHelp', {
    error: false,
    command,
    write: (more: string) => (text += more),
  });
  return text.trim();
}

function visible(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((sub) => sub.name() !== 'help');
}

function describe(command: Command, level: string): string[] {
  const lines = ['', `${level} ${usage(command).replace(/ [[<].*$/, '')}`, '', command.description(), ''];
  const subs = visible(command);
  if (subs.length > 0) return [...lines.slice(0, -1), ...subs.flatMap((sub) => describe(sub, `${level}#`))];
  lines.push('```', usage(command), '```');
  const args = command.registeredArguments.filter((argument) => argument.description !== '');
  if (args.length > 0) {
    lines.push('', '| argument | meaning |', '|---|---|');
    for (const argument of args) lines.push(`| \`${argument.name()}\` | ${cell(argument.description)} |`);
  }
  lines.push(...optionTable(command.options.filter((option) => !option.hidden)));
  const after = afterHelp(command);
  if (after !== '') lines.push('', '```', after, '```');
  return lines;
}

const program = createProgram(io, () => {});
const groups = new Map<string, Command[]>();
for (const command of visible(program)) {
  const group = command.helpGroup() === '' ? 'Others:' : command.helpGroup();
  groups.set(group, [...(groups.get(group) ?? []), command]);
}

const text = [
  '# Commands',
  '',
  '<!-- Generated from the command line itself by `npm run docs`; do not edit. -->',
  '',
  '`rainbow COMMAND --help` says the same. Every command exits with 0 when it did what was asked, 1 when it could not, 2',
  'when it was called wrongly (130 when it was stopped). With `--json`, results are one JSON document on standard output,',
  'or one per line for a stream; messages always go to standard error. Colours only on a terminal, never with `NO_COLOR`.',
  '',
  '## Options of every command',
  ...optionTable(program.options.filter((option) => option.long !== '--version')),
  ...[...groups].flatMap(([group, commands]) => [
    '',
    `## ${group.replace(/:$/, '')}`,
    ...commands.flatMap((command) => describe(command, '###')),
  ]),
  '',
].join('\n');

const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
if (process.argv.includes('--check')) {
  if (before !== text) {
    console.error('docs/commands.md is out of date; run: npm run docs');
    process.exitCode = 1;
  }
} else if (before !== text) {
  writeFileSync(file, text);
  console.log('wrote docs/commands.md');
}

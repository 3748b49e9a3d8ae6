/** What `--help` says fits a terminal of 80 columns, of every command. */
import type { EventEmitter } from 'node:events';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { realSystem } from '../system/real.ts';
import type { Io, Sink } from './io.ts';
import { createProgram } from './program.ts';

const sink: Sink = { write() {}, isTTY: false, columns: 80 };
const io: Io = {
  stdout: sink,
  stderr: sink,
  readStdin: () => Promise.resolve(''),
  env: {},
  system: realSystem,
  signal: new AbortController().signal,
};

function all(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(all)];
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

/** With what stands behind it (`addHelpText`). */
function helpOf(command: Command): string {
  let text = command.helpInformation();
  const write = (more: string): void => void (text += more);
  (command as unknown as EventEmitter).emit('afterHelp', { error: false, command, write });
  return text;
}

test.each(all(createProgram(io, () => {})).map((command) => [nameOf(command), command] as const))(
  '%s',
  (_, command) => {
    const text = helpOf(command);
    expect(text).toContain('Usage: rainbow');
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  },
);

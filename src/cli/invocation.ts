/**
 * One call of one command: its global options, and the ways to answer. Results go to standard output (as text, or
 * with --json as one document, or one line each for a stream); everything else goes to standard error.
 */
import type { Command } from 'commander';
import type { Io } from './io.ts';
import { cleanLines, paint, type Paint } from './paint.ts';
import { eraseProgress } from './progress.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly host?: string;
  readonly configPath?: string;
  readonly caCert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly clusterName?: string;
  readonly graphDatabase?: string;
  readonly selectAlgorithm?: string;
  readonly matchAlgorithm?: string;
}

export interface Invocation {
  readonly io: Io;
  readonly globals: GlobalOptions;
  readonly json: boolean;
  /** Colours of standard output. */
  readonly paint: Paint;
  /** A line for people, on standard error; unpainted, and made safe to print here. */
  readonly say: (message: string) => void;
  /** A line of the result, on standard output. */
  readonly print: (text: string) => void;
  /** The result: `document` with --json, else `text` (where there is any). */
  readonly result: (document: unknown, text: string | (() => string)) => void;
}

export function invocation(io: Io, command: Command): Invocation {
  const globals = command.optsWithGlobals<GlobalOptions>();
  const json = globals.json === true;
  const print = (text: string): void => {
    eraseProgress(io);
    io.stdout.write(`${text}\n`);
  };
  return {
    io,
    globals,
    json,
    paint: paint(io.stdout, io.env),
    say(message) {
      eraseProgress(io);
      io.stderr.write(`rainbow: ${cleanLines(message)}\n`);
    },
    print,
    result(document, text) {
      if (json) print(JSON.stringify(document));
      else {
        const shown = typeof text === 'function' ? text() : text;
        if (shown !== '') print(shown);
      }
    },
  };
}

/** What a command's own module gives back: its exit code, 0 where it says nothing. */
export type Action<Options> = (
  invocation: Invocation,
  options: Options,
  args: readonly string[],
) => Promise<number | void>;

/** Binds an action to a command; the exit code goes to whoever runs the program. */
export type Run = <Options>(action: Action<Options>) => (...args: unknown[]) => Promise<void>;

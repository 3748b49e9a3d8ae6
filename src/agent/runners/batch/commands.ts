/**
 * Asks a command of a batch system: what it printed, within a time, and what its complaint means. How it is started
 * (environment, user) is the runner's to say.
 */
import type { ChildProcess } from 'node:child_process';
import { RainbowError } from '../../../core/errors.ts';
import type { System } from '../../../system/system.ts';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Call {
  /** For standard input; '' for none. */
  readonly input?: string;
  /** Milliseconds; default 30 s. */
  readonly limitMs?: number;
  /** Called once it was started. */
  readonly started?: () => void;
}

/** Bytes of both streams. */
const MOST_OUTPUT = 256 * 1024 * 1024;
const LIMIT_MS = 30_000;
const MOST_SIGNALS = 64;

/**
 * `child`: just started, all three streams piped; `name`: of the program, `what`: what it is asked. Rejects with
 * `unavailable` (not started, not in time, ended by a signal: what it was asked may be done all the same) or `failed_precondition` (there is no such program here).
 */
export function answerOf(
  child: ChildProcess,
  said: { readonly name: string; readonly what: string; readonly scheduler: string },
  { input = '', limitMs = LIMIT_MS, started }: Call,
  { timers }: System,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const parts: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
    let size = 0;
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]!.on('data', (data: Buffer) => {
        size += data.byteLength;
        if (size > MOST_OUTPUT) child.kill('SIGKILL');
        else parts[stream].push(data);
      });
    }
    let late = false;
    const timer = timers.after(limitMs, () => {
      late = true;
      child.kill('SIGKILL');
    });
    child.once('error', (error) => {
      timer.cancel();
      reject(cannotStart(error, said));
    });
    // It may end without having read its input.
    child.stdin!.on('error', () => undefined);
    child.stdin!.end(input);
    child.once('spawn', () => started?.());
    child.once('close', (code, signal) => {
      timer.cancel();
      const text = (stream: 'stdout' | 'stderr'): string => Buffer.concat(parts[stream]).toString('utf8');
      if (late) reject(new RainbowError('unavailable', lateText(said.what, limitMs, text('stderr'))));
      // Whether it had done what it was asked by then, nobody knows.
      else if (signal !== null || isSignal(code)) {
        const by = signal ?? `exit code ${code}`;
        reject(new RainbowError('unavailable', `${said.what} was ended (${by}) before it had answered`));
      } else resolve({ code: code ?? 1, stdout: text('stdout'), stderr: text('stderr') });
    });
  });
}

/** A program between us and it (a shell, sudo) passes the signal on as a code. */
function isSignal(code: number | null): boolean {
  return code !== null && code > 128 && code <= 128 + MOST_SIGNALS;
}

/** What it complained of until then is mostly why. */
function lateText(what: string, limitMs: number, stderr: string): string {
  const words = stderr.trim() === '' ? '' : ` (it said: ${lastWords({ code: 1, stdout: '', stderr }, COMPLAINT)})`;
  return `${what} did not answer within ${limitMs / 1000} s${words}`;
}

const COMPLAINT = /^[\w-]+: (error: )?/i;

function cannotStart(error: Error, { name, scheduler }: { name: string; scheduler: string }): RainbowError {
  const { code } = error as NodeJS.ErrnoException;
  // A folder of the PATH that may not be read makes it EACCES, whatever is in the others.
  return code === 'ENOENT' || code === 'EACCES'
    ? new RainbowError(
        'failed_precondition',
        `there is no ${name} on this machine’s PATH${code === 'EACCES' ? ' that may be run' : ''}: start the agent where ${scheduler}’s commands work`,
      )
    : new RainbowError('unavailable', `${name} could not be started: ${error.message}`);
}

/** What a command complained of, in one line; `prefix`: with which it begins each of them. */
export function lastWords({ code, stderr }: Answer, prefix: RegExp): string {
  const said = stderr
    .split('\n')
    .map((line) => line.replace(prefix, '').trim())
    .filter((line) => line !== '')
    .slice(-3)
    .join('; ')
    .slice(0, 500);
  return said === '' ? `exit code ${code}` : said;
}

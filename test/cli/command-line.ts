/** Runs command lines in this process, with folders and streams of their own; and the launcher as a child. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import type { Io } from '../../src/cli/io.ts';
import { realSystem } from '../../src/system/real.ts';
import { until as untilFound, type Found } from '../../src/system/testing/until.ts';

export const root = join(import.meta.dirname, '..', '..');
export const launcher = join(root, 'bin', 'rainbow');
export const data = join(root, 'examples');

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs after the test, the newest first. */
export function afterwards(act: () => void | Promise<void>): void {
  onTestFinished(act);
}

/** A folder of its own for one test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-cli-'));
  // Where the tests run as root, jobs run as another user, who must get through to their own folders below.
  chmodSync(folder, 0o711);
  afterwards(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return folder;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly isTTY?: boolean;
  /** Called with what is written, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** Where a user's files are, below `home`. */
export function homeIn(home: string): Record<string, string> {
  return {
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_STATE_HOME: join(home, 'state'),
  };
}

export async function rainbow(args: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const sink = (to: Buffer[]) => ({
    write(text: string | Uint8Array) {
      to.push(Buffer.from(text as string));
      surroundings.onOutput?.(Buffer.from(text as string).toString('utf8'));
    },
    isTTY: surroundings.isTTY === true,
    columns: 100,
  });
  const io: Io = {
    stdout: sink(out),
    stderr: sink(err),
    readStdin: async () => surroundings.stdin ?? '',
    env: surroundings.env ?? homeIn('/nonexistent-home'),
    system: realSystem,
    signal: surroundings.signal ?? new AbortController().signal,
  };
  const code = await runCommandLine(args, io);
  return { code, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') };
}

/** Fails with all that was said, where it ended with another exit code. */
export function expectExit(outcome: Outcome, code: number, more = ''): void {
  if (outcome.code === code) return;
  throw new Error(`exit code ${outcome.code}, not ${code}\n${outcome.stdout}${outcome.stderr}${more}`);
}

/** One JSON document a line. */
export function jsonLines(outcome: Outcome): Record<string, unknown>[] {
  return outcome.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- says what the test expects to find
export function json<T = Record<string, unknown>>(outcome: Outcome): T {
  return JSON.parse(outcome.stdout) as T;
}

/** A child that is ended after the test, if it is still there. */
export function startChild(
  program: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): ChildProcess & { readonly output: () => string } {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let text = '';
  child.stdout.on('data', (data) => (text += String(data)));
  child.stderr.on('data', (data) => (text += String(data)));
  afterwards(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  });
  return Object.assign(child, { output: () => text });
}

export function runChild(
  program: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => (stdout += String(data)));
    child.stderr.on('data', (data) => (stderr += String(data)));
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? (signal === null ? -1 : 128), stdout, stderr }));
  });
}

/** Asks again until it is so, or the test's time is over: then it tells what it had seen. */
export const until = <T>(ask: () => T | Promise<T>, seen?: () => string): Promise<Found<T>> =>
  untilFound(ask.toString(), ask, seen);

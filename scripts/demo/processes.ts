/** The demo's processes: each is bin/rainbow, started as anybody would start it, and stopped by this, or left. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const rainbow = join(import.meta.dirname, '..', '..', 'bin', 'rainbow');

interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  readonly log: string;
}

export class Processes {
  readonly #folder: string;
  /** The newest first: in this order they are stopped. */
  readonly #running: Running[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts one that stays. What it says on standard error goes to a file. */
  start(name: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const log = join(this.#folder, `${name.replaceAll(' ', '-')}.log`);
    const errors = openSync(log, 'a');
    // Its own process group: a Ctrl-C here is for this program, which then stops them in order.
    const child = spawn(rainbow, args, {
      cwd: this.#folder,
      detached: true,
      stdio: ['ignore', 'pipe', errors],
      env: { ...process.env, ...env },
    });
    closeSync(errors);
    this.#running.unshift({ name, child, log });
    return child;
  }

  pids(): readonly number[] {
    return this.#running.flatMap(({ child }) => child.pid ?? []);
  }

  /** Throws where one has ended that should not have. */
  check(): void {
    for (const { name, child } of this.#running) {
      if (hasEnded(child)) throw new Error(`the ${name} ended with exit code ${child.exitCode ?? child.signalCode}`);
    }
  }

  /** Agents first, then the server; who has not stopped in ten seconds is ended. */
  async stopAll(): Promise<void> {
    for (const { child } of this.#running) {
      if (hasEnded(child)) continue;
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(timer);
    }
  }

  /** The end of what each said. */
  logs(): string {
    return this.#running
      .map(({ name, log }) => {
        const text = existsSync(log) ? readFileSync(log, 'utf8').trimEnd() : '';
        return `--- ${name}\n${text.split('\n').slice(-20).join('\n')}`;
      })
      .join('\n');
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** The first line that it prints. Throws where it ends before, or the signal aborts. */
export function firstLine(name: string, child: ChildProcess, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error(`the ${name} has no output`);
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('error', (error) => reject(new Error(`${rainbow} could not be started: ${error.message}`)));
    child.once('exit', (code) => reject(new Error(`the ${name} ended with exit code ${code} before it was ready`)));
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** Runs one command to its end. Throws with what it said where it fails. */
export function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(rainbow, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
      signal,
    });
    let said = '';
    child.stderr.on('data', (data) => (said += String(data)));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`rainbow ${args.join(' ')} ended with ${code}: ${said.trim()}`)),
    );
  });
}

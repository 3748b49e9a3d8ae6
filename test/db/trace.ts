/** System calls of a program and all its threads and children, in the order in which they were made: strace's output. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { until } from '../cli/command-line.ts';

export interface Call {
  /** Of the thread, or process. */
  readonly pid: string;
  readonly name: string;
  /** As strace writes them; files and sockets with what they are. */
  readonly args: string;
  /** Infinity: it has not come back yet. */
  readonly result: number;
  /** Places in the trace. */
  readonly started: number;
  readonly ended: number;
}

/** Before the command that is traced, which stays the process that was started: the tracer is beside it. */
export function tracer(file: string, calls: readonly string[], shown = 0): readonly string[] {
  const what = ['-e', `trace=${calls.join(',')}`, '-e', 'signal=none', '-s', String(shown)];
  return ['strace', '-D', '-f', '-qq', '--seccomp-bpf', '-yy', ...what, '-o', file];
}

/** Why nothing can be traced here; null: it can. */
export function whyNoTracer(): string | null {
  const [program, ...args] = tracer('/dev/null', ['fsync']);
  const { error, status, stderr } = spawnSync(program!, [...args, 'true'], { encoding: 'utf8' });
  if (error !== undefined) return error.message;
  return status === 0 ? null : stderr.trim();
}

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (-?\d+)/;
const BEGUN = /^(\d+) +(\w+)\((.*)<unfinished \.\.\.>$/;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>.*\) += (-?\d+)/;

export function readCalls(text: string): readonly Call[] {
  const calls: Call[] = [];
  const begun = new Map<string, Pick<Call, 'pid' | 'name' | 'args' | 'started'>>();
  for (const [place, line] of text.split('\n').entries()) {
    const whole = WHOLE.exec(line);
    if (whole !== null) {
      calls.push({
        pid: whole[1]!,
        name: whole[2]!,
        args: whole[3]!,
        result: Number(whole[4]),
        started: place,
        ended: place,
      });
      continue;
    }
    const first = BEGUN.exec(line);
    if (first !== null) begun.set(first[1]!, { pid: first[1]!, name: first[2]!, args: first[3]!, started: place });
    const last = RESUMED.exec(line);
    const before = last === null ? undefined : begun.get(last[1]!);
    if (last !== null && before !== undefined) {
      begun.delete(last[1]!);
      calls.push({ ...before, result: Number(last[3]), ended: place });
    }
  }
  return [...calls, ...[...begun.values()].map((call) => ({ ...call, result: Infinity, ended: Infinity }))];
}

/**
 * What is done while `act` runs, until it is `whole`: a call may have had its effect, and be written down a little
 * later. What comes before may still be written down at the beginning.
 */
export async function callsWhile(
  file: string,
  act: () => Promise<unknown>,
  whole: (calls: readonly Call[]) => boolean,
): Promise<readonly Call[]> {
  const from = statSync(file).size;
  await act();
  return until(() => {
    const calls = readCalls(readFileSync(file).subarray(from).toString('latin1'));
    return whole(calls) ? calls : null;
  });
}

/** Syncs that have succeeded of files whose name ends so, or lies in such a folder. */
export function syncsOf(calls: readonly Call[], what: RegExp): readonly Call[] {
  return calls.filter(({ name, args, result }) => /^(fsync|fdatasync)$/.test(name) && result === 0 && what.test(args));
}

/**
 * Which of the options count: the last of each kind, the command line over the script. What is never taken is seen at
 * the end, so no option can be forgotten.
 */
import { flagText } from '../context.ts';
import type { Overrides } from '../context.ts';
import type { JsonMap } from '../draft.ts';
import { under } from '../draft.ts';
import type { Given } from '../getopt.ts';
import type { Report, Spot } from '../report.ts';

export interface Chosen {
  readonly key: string;
  /** '' where none was given; of the command line in Rainbow's own words. */
  readonly value: string;
  readonly what: string;
  /** null: the command line. */
  readonly at: Spot | null;
}

/** Flags that stand for an option of sbatch, and the options that they set aside. */
const FLAGS: readonly (readonly [keyof Overrides, string, readonly string[]])[] = [
  ['nodes', 'nodes', []],
  ['tasks', 'ntasks', ['ntasks-per-gpu']],
  ['cores', 'cpus-per-task', ['cpus-per-gpu']],
  ['gpus', 'gpus-per-task', ['gpus', 'gpus-per-node', 'gpus-per-socket']],
  ['memory', 'mem', ['mem-per-cpu', 'mem-per-gpu']],
  ['name', 'job-name', []],
  ['cwd', 'chdir', []],
  ['partition', 'partition', []],
  ['account', 'account', []],
];

export class Choices {
  readonly #chosen = new Map<string, Chosen>();
  readonly #taken = new Set<string>();
  readonly #rainbow: JsonMap;

  constructor(given: readonly Given[], overrides: Overrides, rainbow: JsonMap, report: Report) {
    this.#rainbow = rainbow;
    for (const { key, value, what, line, column } of given) {
      const earlier = this.#chosen.get(key);
      if (earlier !== undefined) report.overridden(earlier.at, earlier.what, `line ${line} says ${what}`);
      this.#chosen.set(key, { key, value: value ?? '', what, at: { line, column } });
    }
    const setAside = (key: string, why: string): void => {
      const earlier = this.#chosen.get(key);
      if (earlier !== undefined) report.overridden(earlier.at, earlier.what, why);
      this.#chosen.delete(key);
    };
    for (const [flag, key, others] of FLAGS) {
      const value = overrides[flag];
      if (value === undefined || typeof value === 'object') continue;
      const why = `the command line says ${flagText(flag, value)}`;
      for (const each of [key, ...others]) setAside(each, why);
      this.#chosen.set(key, { key, value: String(value), what: flagText(flag, value), at: null });
    }
    if (overrides.time !== undefined) setAside('time', `the command line says --time ${overrides.time}`);
    if (overrides.gpus !== undefined) this.#withoutGpus(report);
  }

  /** The option, which counts as seen to from here on. */
  take(key: string): Chosen | null {
    this.#taken.add(key);
    return this.#chosen.get(key) ?? null;
  }

  peek(key: string): Chosen | null {
    return this.#chosen.get(key) ?? null;
  }

  spot(key: string): Spot {
    return this.#chosen.get(key)?.at ?? { line: 1, column: 1 };
  }

  /** Keeps it under `attributes.rainbow.slurm`. */
  carry({ key, value }: Chosen): void {
    under(this.#rainbow, 'slurm')[key] = value === '' ? true : value;
  }

  untaken(): readonly Chosen[] {
    return [...this.#chosen.values()].filter(({ key }) => !this.#taken.has(key));
  }

  /** `--gpus` of the command line is instead of the GPUs among the generic resources, not of the others. */
  #withoutGpus(report: Report): void {
    const gres = this.#chosen.get('gres');
    if (gres === undefined || !/(^|,)\s*(gres[:/])?gpu\b/.test(gres.value)) return;
    const others = gres.value.split(',').filter((part) => !/^\s*(gres[:/])?gpu\b/.test(part));
    report.overridden(gres.at, gres.what, 'the command line says how many GPUs');
    if (others.length === 0) this.#chosen.delete('gres');
    else this.#chosen.set('gres', { ...gres, value: others.join(',') });
  }
}

/**
 * Which tasks an array has, as people write it: `0-9`, `1,3,5-7`, `0-20:4`, and `%5` behind it all for at most five at
 * once (sbatch's syntax). Pure. Bounded: a huge range is refused before it is counted out.
 */
import { invalid } from '../errors.ts';

export interface ArraySpec {
  /** Without the limit. */
  readonly indices: string;
  /** Ascending, distinct. */
  readonly tasks: readonly number[];
  /** Null: all at once. */
  readonly mostAtOnce: number | null;
}

/** The most tasks of one submit. */
export const MOST_ARRAY_TASKS = 10_000;
/** Indices are 32-bit on the wire. */
const MOST_INDEX = 2 ** 31 - 1;
const PART = /^(\d{1,10})(?:-(\d{1,10})(?::(\d{1,10}))?)?$/;

/** Throws `invalid_input` at `place`, `resource_exhausted` for more than `most` tasks. */
export function readArraySpec(text: string, place: string, most: number): ArraySpec {
  const [indices = '', limit, more] = text.trim().split('%');
  if (more !== undefined || (limit !== undefined && !/^[1-9]\d{0,9}$/.test(limit))) {
    throw invalid(place, `${shown(text)}: behind % stands how many tasks may run at once, from 1, as in 0-99%8`);
  }
  const tasks = new Set<number>();
  for (const part of indices.split(',')) {
    const found = PART.exec(part.trim());
    if (found === null) throw invalid(place, `${shown(text)} is no list of indices; write it as 0-9, 1,3,5 or 0-20:4`);
    const first = Number(found[1]);
    const last = found[2] === undefined ? first : Number(found[2]);
    const step = found[3] === undefined ? 1 : Number(found[3]);
    if (last < first) throw invalid(place, `${shown(part)} runs backwards; write the lower index first`);
    if (step === 0) throw invalid(place, `${shown(part)} has a step of 0; leave it out, or give 1 or more`);
    if (last > MOST_INDEX) throw invalid(place, `${shown(part)}: indices go up to ${MOST_INDEX}`);
    if (tasks.size + Math.floor((last - first) / step) + 1 > 2 * most) throw tooMany(place, most);
    for (let index = first; index <= last; index += step) tasks.add(index);
  }
  if (tasks.size > most) throw tooMany(place, most);
  return {
    indices: indices.replaceAll(' ', ''),
    tasks: [...tasks].sort((a, b) => a - b),
    mostAtOnce: limit === undefined ? null : Math.min(Number(limit), MOST_INDEX),
  };
}

function tooMany(place: string, most: number): Error {
  return invalid(place, `has more than ${most} tasks, the most of one submit; submit it in parts`);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

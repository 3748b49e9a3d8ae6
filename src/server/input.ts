/**
 * Checks of what callers send, shared by both protocols: each throws `invalid_input` with the place, or
 * `resource_exhausted` past a limit. Names of clusters, groups and subsystems are core/names.ts's.
 */
import { CONTROL } from '../core/control-characters.ts';
import { invalid, RainbowError } from '../core/errors.ts';
import { readJobspec } from '../core/jobspec/read.ts';
import type { Jobspec } from '../core/jobspec/jobspec.ts';
import type { JobId } from '../store/store.ts';
import { LIMITS } from './limits.ts';

const MOST_ID = 2n ** 63n - 1n;

/** A job's id, as decimal digits. */
export function checkJobId(id: string, place: string): JobId {
  if (!/^[1-9]\d{0,18}$/.test(id) || BigInt(id) > MOST_ID) {
    throw invalid(place, `${quoted(id)} is not a job id: ids are whole numbers from 1`);
  }
  return id;
}

/** A whole number from 0 that a double holds exactly. */
export function checkSequence(text: string, place: string): number {
  const value = Number(text === '' ? 0 : text);
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(place, `${quoted(text)} is not a whole number from 0`);
  return value;
}

/** A job's name: any printable text. */
export function checkJobName(name: string, place: string): string {
  if (name.length > LIMITS.jobName)
    throw invalid(place, `is ${name.length} characters long; at most ${LIMITS.jobName}`);
  if (CONTROL.test(name))
    throw invalid(place, `${quoted(name)} has control characters; a job's name is one printable line`);
  return name;
}

/** Text for people or keys: bounded, otherwise free. */
export function checkText(text: string, place: string): string {
  if (text.length > LIMITS.text) throw invalid(place, `is ${text.length} characters long; at most ${LIMITS.text}`);
  return text;
}

/** Reads a jobspec, whatever its dialect, after a look at its size. */
export function parseJobspec(text: string, place: string, format?: 'yaml' | 'json'): Jobspec {
  if (text.trim() === '') throw invalid(place, 'is empty; send a jobspec as YAML or JSON text');
  const tooLarge =
    Buffer.byteLength(text) > LIMITS.jobspecBytes ||
    (text.length > LIMITS.jobspecBytes / 8 && Buffer.byteLength(JSON.stringify(text)) > LIMITS.jobspecJsonBytes);
  if (tooLarge) {
    throw new RainbowError(
      'resource_exhausted',
      `is over ${LIMITS.jobspecBytes / 1024} KiB; keep data in files and let the jobspec name them`,
      { place },
    );
  }
  const key = `${format ?? ''} ${text}`;
  const known = readLately.get(key);
  if (known !== undefined) return known;
  const jobspec = readJobspec(text, format === undefined ? {} : { format });
  if (text.length <= MOST_KEPT_CHARS) {
    if (readLately.size >= MOST_KEPT) readLately.delete(readLately.keys().next().value ?? '');
    readLately.set(key, jobspec);
  }
  return jobspec;
}

/**
 * Jobspecs that were read lately, oldest first: reading YAML takes half a millisecond, most bursts repeat one text, and
 * the matcher knows a request that it has seen.
 */
const readLately = new Map<string, Jobspec>();
const MOST_KEPT = 1_000;
const MOST_KEPT_CHARS = 8_192;

/** The name as given, else the jobspec's own, else its program's. */
export function jobName(given: string, jobspec: Jobspec, place: string): string {
  if (given !== '') return checkJobName(given, place);
  if (jobspec.name !== null && jobspec.name !== '') return checkJobName(jobspec.name, 'jobspec.name');
  const program = jobspec.tasks[0]?.command[0]?.split('/').at(-1) ?? '';
  return program === '' || program.length > LIMITS.jobName || CONTROL.test(program) ? 'job' : program;
}

/** A cluster's state: flat facts, each a finite number, a text, a boolean or null. */
export function checkState(state: object, place: string): Readonly<Record<string, unknown>> {
  const entries = Object.entries(state as Record<string, unknown>);
  if (entries.length > LIMITS.stateKeys)
    throw invalid(place, `has ${entries.length} keys; at most ${LIMITS.stateKeys}`);
  for (const [key, value] of entries) {
    const at = `${place}.${key.length > 80 ? `${key.slice(0, 80)}…` : key}`;
    if (key === '' || key.length > 256 || CONTROL.test(key))
      throw invalid(at, 'a key is 1 to 256 printable characters');
    if (key === '__proto__') throw invalid(at, 'is not a key that can be kept; rename it');
    if (typeof value === 'number' && !Number.isFinite(value)) throw invalid(at, 'is not a finite number');
    if (typeof value === 'string' && value.length > LIMITS.stateText) {
      throw invalid(at, `is ${value.length} characters long; at most ${LIMITS.stateText}`);
    }
    if (typeof value === 'object' && value !== null) {
      throw invalid(at, 'is a list or object; a state is flat: numbers, texts and booleans by key');
    }
  }
  return Object.fromEntries(entries);
}

/** What somebody sent, cut and quoted, for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** What a reader is told besides the text. */
import type { JobspecFlags } from '../jobspec/flags.ts';
import { quoteWord } from './words.ts';
import type { Json } from './draft.ts';
import { jsonMap } from './draft.ts';

/** What the command line says over the script; the names and meanings of `rainbow submit`'s own flags. */
export interface Overrides extends Omit<JobspecFlags, 'command' | 'environment'> {
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface ReadContext {
  /** The file's name; the job's, where nothing else names it, and `$0` of a script. */
  readonly file: string;
  /** What the script is given as arguments. */
  readonly args: readonly string[];
  /** The submitter's variables, of which a script may take some over by name. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly overrides: Overrides;
}

export const NO_CONTEXT: ReadContext = { file: 'script', args: [], environment: {}, overrides: {} };

/** `name` of an override as it was typed. */
export function flagText(name: keyof Overrides, value: string | number): string {
  return `--${name} ${quoteWord(String(value))}`;
}

/** Variables of a job, with those of the command line over them. */
export function withOverrides(environment: Json | undefined, { env }: Overrides): Json | undefined {
  if (env === undefined) return environment;
  return Object.assign(jsonMap(), environment, env);
}

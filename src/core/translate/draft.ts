/**
 * A jobspec being put together by a reader: RFC 14's resources and tasks, and its attributes in three maps. What the
 * job model holds goes where RFC 14 and Flux keep it (`attributes.system`); the rest goes to `attributes.rainbow`
 * (docs/translating.md lists the keys). Writing ends with reading: what a reader hands out is a jobspec that the
 * server takes.
 */
import { stringify } from 'yaml';
import { invalid, RainbowError } from '../errors.ts';
import { checkTasks, readJobspec } from '../jobspec/read.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonMap;
export interface JsonMap {
  [key: string]: Json;
}

export interface DraftVertex {
  readonly type: string;
  /** A whole number, or an RFC 22 id set or RFC 45 range. */
  readonly count: number | string;
  readonly unit?: string;
  readonly exclusive?: boolean;
  readonly label?: string;
  readonly requires?: readonly Json[];
  readonly with?: readonly DraftVertex[];
}

export interface DraftTask {
  readonly command: readonly string[];
  readonly slot: string;
  readonly count: { readonly per_slot: number } | { readonly total: number };
  readonly environment?: JsonMap;
}

export interface Draft {
  resources: readonly DraftVertex[];
  tasks: readonly DraftTask[];
  readonly system: JsonMap;
  readonly user: JsonMap;
  readonly rainbow: JsonMap;
}

/** A map whose keys come from outside: `__proto__` is a key like any other. */
export function jsonMap(from: Readonly<Record<string, Json>> = {}): JsonMap {
  return Object.assign(Object.create(null) as JsonMap, from);
}

export function newDraft(): Draft {
  return { resources: [], tasks: [], system: jsonMap(), user: jsonMap(), rainbow: jsonMap() };
}

/** The map under `key`, made where there is none. */
export function under(map: JsonMap, key: string): JsonMap {
  const found = map[key];
  if (found !== null && typeof found === 'object' && !Array.isArray(found)) return found as JsonMap;
  const made = jsonMap();
  map[key] = made;
  return made;
}

/** RFC 14 YAML. Throws `invalid_input` where the server would refuse it. */
export function writeDraft(draft: Draft): string {
  const { resources, tasks, system, user, rainbow } = draft;
  const attributes: JsonMap = { system };
  if (Object.keys(user).length > 0) attributes['user'] = user;
  if (Object.keys(rainbow).length > 0) attributes['rainbow'] = rainbow;
  const text = toYaml({ version: 1, resources, tasks: tasks.map(taskOf), attributes });
  try {
    checkTasks(readJobspec(text));
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    throw invalid('what it asks for', `makes no jobspec: ${error.message}`);
  }
  return text;
}

export function toYaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, compat: 'yaml-1.1' });
}

function taskOf({ command, slot, count, environment }: DraftTask): unknown {
  return { command, slot, count, ...(environment === undefined ? {} : { attributes: { environment } }) };
}

/** The attributes of a jobspec as a tree, taken apart path by path: what nobody takes is seen at the end. */
import { readDocument } from '../jobspec/document.ts';
import { jsonMap, under } from './draft.ts';
import type { Json, JsonMap } from './draft.ts';
import { toJson } from './kubernetes/fields.ts';

export class Attributes {
  readonly #tree: JsonMap;

  constructor(jobspec: string) {
    const document = readDocument(jobspec, 'jobspec');
    const found = document.kind === 'map' ? document.entries.get('attributes') : undefined;
    this.#tree = found?.kind === 'map' ? (toJson(found) as JsonMap) : jsonMap();
  }

  peek(...path: readonly string[]): Json | undefined {
    let at: Json | undefined = this.#tree;
    for (const key of path) {
      if (!isMap(at) || !Object.hasOwn(at, key)) return undefined;
      at = at[key];
    }
    return at ?? undefined;
  }

  /** The value, which is gone from the tree then, and the maps that it leaves empty too. */
  take(...path: readonly string[]): Json | undefined {
    const found = this.peek(...path);
    const remove = (map: JsonMap, [key = '', ...more]: readonly string[]): void => {
      const inner = map[key];
      if (more.length > 0 && isMap(inner)) remove(inner, more);
      if (more.length === 0 || (isMap(inner) && Object.keys(inner).length === 0)) delete map[key];
    };
    if (this.peek(...path.slice(0, -1)) !== undefined) remove(this.#tree, path);
    return found;
  }

  put(value: Json, ...path: readonly string[]): void {
    let map = this.#tree;
    for (const key of path.slice(0, -1)) map = under(map, key);
    map[path.at(-1)!] = value;
  }

  takeText(...path: readonly string[]): string | null {
    const found = this.take(...path);
    return typeof found === 'string' ? found : typeof found === 'number' ? String(found) : null;
  }

  /** What is left, by path: the members of system, user and rainbow each by themselves. */
  rest(): readonly (readonly [readonly string[], Json])[] {
    return Object.entries(this.#tree).flatMap(([key, value]): (readonly [readonly string[], Json])[] => {
      if (!['system', 'user', 'rainbow'].includes(key) || !isMap(value)) return [[[key], value]];
      return Object.entries(value).map(([name, each]) => [[key, name], each] as const);
    });
  }

  tree(): JsonMap {
    return this.#tree;
  }
}

export function isMap(value: Json | undefined): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the job model holds: `readJobspec` gives it, so it is taken from the tree. */
export function takeHeld(attributes: Attributes): void {
  for (const root of [['system'], []]) {
    for (const key of ['duration', 'cwd', 'environment', 'constraints', 'image']) attributes.take(...root, key);
  }
  attributes.take('system', 'job', 'name');
  attributes.take('user', 'image');
  attributes.take('parameter');
}

/** Options that write straight into a jobspec's attributes: `--setattr`, `--setopt`, `--dependency`, `--add-file`. */
import { HEEDED_DEPENDENCIES, heededDependencies } from '../lifecycle.ts';
import { jsonMap, under } from '../draft.ts';
import type { Draft, Json, JsonMap } from '../draft.ts';
import { wrong } from '../getopt.ts';
import type { Given } from '../getopt.ts';
import type { Report } from '../report.ts';

/** Attributes that the job model holds. */
const ACTED_ON = [
  'system.duration',
  'system.cwd',
  'system.environment',
  'system.constraints',
  'system.job.name',
  'system.image',
  'user.image',
];

export function readAttributeOptions(given: readonly Given[], draft: Draft, report: Report): void {
  for (const each of given) {
    const { key, value, what } = each;
    if (key === 'setattr') readSetattr(each, draft, report);
    else if (key === 'setopt') {
      const pair = keyValue(value ?? '');
      if (pair === null) {
        report.dropped(each, what, 'a value from a file is not read; write it here');
        continue;
      }
      put(under(under(draft.system, 'shell'), 'options'), pair.path, pair.value, each);
      report.carried(each, what, `attributes.system.shell.options.${pair.path.join('.')}`, null);
    } else if (key === 'dependency') {
      const dependencies = draft.system['dependencies'];
      const read = readUri(value ?? '');
      if (read === null)
        throw wrong(each, `${what.slice(0, 80)}: must be a dependency (RFC 26), as in afterok:ƒ2oLkTLb`);
      draft.system['dependencies'] = [...(Array.isArray(dependencies) ? (dependencies as Json[]) : []), read];
      if (heededDependencies([read], false).all) report.kept(each, what, 'it waits for that');
      else
        report.carried(
          each,
          what,
          'attributes.system.dependencies',
          `it waits for no more than ${HEEDED_DEPENDENCIES}`,
        );
    } else if (key === 'add-file') readFile(each, draft, report);
  }
}

function readSetattr(each: Given, draft: Draft, report: Report): void {
  const pair = keyValue(each.value ?? '');
  if (pair === null) return report.dropped(each, each.what, 'a value from a file is not read; write it here');
  const [first = '', ...more] = pair.path;
  // `.key` forces the top; without that, system is what is meant.
  const path = first === '' ? more : ['user', 'system'].includes(first) ? pair.path : ['system', ...pair.path];
  const roots: Readonly<Record<string, JsonMap>> = { system: draft.system, user: draft.user };
  const root = roots[path[0] ?? ''];
  if (root === undefined || path.length < 2)
    return report.dropped(each, each.what, 'only attributes under system and user are kept');
  put(root, path.slice(1), pair.value, each);
  const where = path.join('.');
  if (ACTED_ON.includes(where) || where.startsWith('system.environment.'))
    report.kept(each, each.what, `attributes.${where}`);
  else report.carried(each, each.what, `attributes.${where}`, null);
}

/** `key.path=value`, the value JSON where it is; 1 where none is given. null: it names a file. */
function keyValue(text: string): { readonly path: readonly string[]; readonly value: Json } | null {
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  if (key.startsWith('^')) return null;
  const written = equals < 0 ? '1' : text.slice(equals + 1);
  return { path: key.split('.'), value: jsonOr(written) };
}

function jsonOr(text: string): Json {
  if (text.length > 100_000 || depthOf(text) > 50) return text;
  try {
    return JSON.parse(text, (_key, value: unknown) =>
      value !== null && typeof value === 'object' && !Array.isArray(value) ? jsonMap(value as JsonMap) : value,
    ) as Json;
  } catch {
    return text;
  }
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const c of text) {
    if (c === '[' || c === '{') deepest = Math.max(deepest, ++depth);
    else if (c === ']' || c === '}') depth -= 1;
  }
  return deepest;
}

function put(root: JsonMap, path: readonly string[], value: Json, each: Given): void {
  if (path.length > 16 || path.some((key) => key === '' || key.length > 200)) {
    throw wrong(each, `${each.what.slice(0, 80)}: the key must be names joined by dots, at most 16`);
  }
  let map = root;
  for (const key of path.slice(0, -1)) map = under(map, key);
  map[path.at(-1)!] = value;
}

/** `scheme:value?key=value&…` */
function readUri(text: string): Json | null {
  const found = /^([a-z][\w-]*):([^?]*)(?:\?(.*))?$/.exec(text);
  if (found === null) return text === 'singleton' ? { scheme: 'singleton', value: '' } : null;
  const entry = jsonMap({ scheme: found[1]!, value: found[2]! });
  for (const part of found[3] === undefined ? [] : found[3].split('&')) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    if (name === '' || name === 'scheme' || name === 'value') return null;
    entry[name] = equals < 0 ? '' : part.slice(equals + 1);
  }
  return entry;
}

/** `NAME=text of several lines`; a path is not read. */
function readFile(each: Given, draft: Draft, report: Report): void {
  const value = each.value ?? '';
  const equals = value.indexOf('=');
  const data = value.slice(equals + 1);
  if (equals < 1 || !data.includes('\n'))
    return report.dropped(
      each,
      each.what,
      'a file does not go along so; --stage-in sends it, to the folder in which the job begins',
    );
  under(draft.system, 'files')[value.slice(0, equals)] = { mode: 33_152, encoding: 'utf-8', data };
  report.narrowed(
    each,
    each.what,
    'asked of clusters of Flux',
    'no other gets it: there that file is not put beside it',
  );
}

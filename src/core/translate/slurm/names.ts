/** Lists in the values of options: variables, dependencies, array tasks, licences. */
import type { Json, JsonMap } from '../draft.ts';
import { jsonMap } from '../draft.ts';

export interface Exported {
  /** Everything that the submitter's shell has. */
  readonly all: boolean;
  readonly none: boolean;
  readonly set: JsonMap;
  /** Variables to be taken over from the submitter. */
  readonly names: readonly string[];
}

/** `ALL`, `NONE`, `NIL`, `A,B=1,C='x,y'`. null: it cannot be read. */
export function readExport(text: string): Exported | null {
  const set = jsonMap();
  const names: string[] = [];
  let all = false;
  let none = false;
  for (const part of splitCommas(text) ?? [null]) {
    if (part === null) return null;
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    if (part === '') continue;
    if (part === 'ALL') all = true;
    else if (part === 'NONE' || part === 'NIL') none = true;
    else if (!/^[A-Za-z_][\w.]*$/.test(name)) return null;
    else if (equals < 0) names.push(name);
    else set[name] = part.slice(equals + 1);
  }
  return { all, none, set, names };
}

/** Commas between single or double quotes are no separators. null: a quote is open. */
function splitCommas(text: string): readonly string[] | null {
  const parts: string[] = [];
  let part: string[] = [];
  let quote = '';
  for (const c of text) {
    if (quote !== '') {
      if (c === quote) quote = '';
      else part.push(c);
    } else if (c === "'" || c === '"') quote = c;
    else if (c === ',') {
      parts.push(part.join(''));
      part = [];
    } else part.push(c);
  }
  parts.push(part.join(''));
  return quote === '' ? parts : null;
}

/** One variable for `--export`; null where it cannot be written there. */
export function exportText(name: string, value: string): string | null {
  if (!/^[A-Za-z_][\w.]*$/.test(name) || /['\n\r\0]/.test(value)) return null;
  if (['ALL', 'NONE', 'NIL'].includes(name)) return null;
  return /^[^,"\\#\s]*$/.test(value) ? `${name}=${value}` : `${name}='${value}'`;
}

export interface Dependencies {
  /** RFC 26: scheme and value. */
  readonly all: readonly Json[];
  /** One of them is enough. */
  readonly any: boolean;
}

const SCHEMES = ['after', 'afterany', 'afterburstbuffer', 'aftercorr', 'afternotok', 'afterok', 'expand', 'singleton'];

/** `afterok:1:2,afterany:3`, `afterok:1?afterok:2`, `singleton`. null: it cannot be read. */
export function readDependency(text: string): Dependencies | null {
  const any = text.includes('?');
  if (any && text.includes(',')) return null;
  const all: Json[] = [];
  for (const part of text.split(any ? '?' : ',')) {
    const [scheme = '', ...ids] = part.trim().split(':');
    if (!SCHEMES.includes(scheme) || (scheme === 'singleton') !== (ids.length === 0)) return null;
    if (!ids.every((id) => /^[\w*]{1,40}(\+\d{1,9})?$/.test(id))) return null;
    if (ids.length === 0) all.push({ scheme, value: '' });
    for (const value of ids) all.push({ scheme, value });
    if (all.length > 1000) return null;
  }
  return { all, any };
}

export interface ArrayTasks {
  /** As written, without the limit. */
  readonly indices: string;
  /** How many may run at once; null: all. */
  readonly limit: number | null;
  readonly count: number;
}

/** `0-15`, `1,3,5-7`, `0-15:4`, `0-99%8`. null: it cannot be read. */
export function readArray(text: string): ArrayTasks | null {
  const [indices = '', limit, more] = text.trim().split('%');
  if (more !== undefined || (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit))) return null;
  let count = 0;
  for (const part of indices.replace(/^\[(.*)\]$/, '$1').split(',')) {
    const found = /^(\d{1,8})(?:-(\d{1,8})(?::([1-9]\d{0,7}))?)?$/.exec(part);
    if (found === null) return null;
    const first = Number(found[1]);
    const last = Number(found[2] ?? first);
    if (last < first) return null;
    count += Math.floor((last - first) / Number(found[3] ?? 1)) + 1;
  }
  return { indices: indices.replace(/^\[(.*)\]$/, '$1'), limit: limit === undefined ? null : Number(limit), count };
}

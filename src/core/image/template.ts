/**
 * `varsTemplate` of a rule: the part of Go's text templates that makes variables out of what matched. In it: text,
 * fields (`.cpu.cpuid`, `.Name`), `range` and `if` with `else` and `end`, `eq`, `ne`, `not`, comments, and `-` to trim
 * blanks. Anything else is refused when it is read, with its place. What comes out is read as lines `name=value`.
 * Bounded: elements visited and characters written. What exceeds it makes no variables.
 */
import { wrong, type Place } from '../jobspec/place.ts';

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | {
      readonly kind: 'range';
      readonly path: readonly string[];
      readonly body: readonly Node[];
      readonly or: readonly Node[];
    }
  | { readonly kind: 'if'; readonly test: Test; readonly body: readonly Node[]; readonly or: readonly Node[] };

type Operand = { readonly path: readonly string[] } | { readonly text: string };
interface Test {
  readonly op: 'is' | 'not' | 'eq' | 'ne';
  readonly of: readonly Operand[];
}

/** What matched: by domain and feature, its elements (`Name`, `Value`, or an instance's attributes). */
export type Matched = ReadonlyMap<string, ReadonlyMap<string, readonly ReadonlyMap<string, string>[]>>;

const MOST_CHARACTERS = 64 * 1024;
const MOST_STEPS = 20_000;
const MOST_DEPTH = 20;

/** Throws `invalid_input` at the place where the template stands. */
export function checkTemplate(template: string, place: Place): void {
  try {
    parse(template);
  } catch (error) {
    if (error instanceof TemplateError) throw wrong(place, error.message);
    throw error;
  }
}

class TemplateError extends Error {}

export interface Template {
  /** Null where it wrote too much, or a line that is no `name=value`. */
  expand(matched: Matched): ReadonlyMap<string, string> | null;
}

export function compileTemplate(template: string): Template {
  const nodes = parse(template);
  return {
    expand(matched) {
      const out = { text: '', steps: 0 };
      return write(nodes, matched, out) ? linesOf(out.text) : null;
    },
  };
}

function linesOf(text: string): ReadonlyMap<string, string> | null {
  const found = new Map<string, string>();
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const at = line.indexOf('=');
    if (at < 1) return null;
    found.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  return found;
}

interface Action {
  readonly words: readonly string[];
  readonly at: number;
}

function parse(template: string): readonly Node[] {
  const parts: (string | Action)[] = [];
  let from = 0;
  let trimNext = false;
  for (;;) {
    const open = template.indexOf('{{', from);
    const text = template.slice(from, open === -1 ? undefined : open);
    const lead = trimNext ? text.trimStart() : text;
    if (open === -1) {
      parts.push(lead);
      break;
    }
    const close = template.indexOf('}}', open + 2);
    if (close === -1) throw at(template, open, 'an action begins here and has no end; write }}');
    let inner = template.slice(open + 2, close);
    const trims = /^-\s/.test(inner);
    if (trims) inner = inner.slice(1);
    trimNext = /\s-$/.test(inner);
    if (trimNext) inner = inner.slice(0, -1);
    parts.push(trims ? lead.trimEnd() : lead);
    const isComment = /^\s*\/\*[^]*\*\/\s*$/.test(inner);
    if (!isComment) parts.push({ words: wordsOf(template, inner, open), at: open });
    from = close + 2;
  }
  let next = 0;
  const block = (depth: number, opened: Action | null): { nodes: Node[]; end: string } => {
    if (depth > MOST_DEPTH) throw at(template, opened?.at ?? 0, `nested deeper than ${MOST_DEPTH} levels`);
    const nodes: Node[] = [];
    for (;;) {
      const part = parts[next++];
      if (part === undefined) {
        if (opened === null) return { nodes, end: '' };
        throw at(template, opened.at, `this ${opened.words[0] ?? ''} has no end; write {{ end }}`);
      }
      if (typeof part === 'string') {
        if (part !== '') nodes.push({ kind: 'text', text: part });
        continue;
      }
      const [word = '', ...rest] = part.words;
      if (word === 'end' || word === 'else') {
        if (opened === null || rest.length > 0)
          throw at(template, part.at, `${part.words.join(' ')} does not belong here`);
        return { nodes, end: word };
      }
      if (word === 'range' || word === 'if') {
        const body = block(depth + 1, part);
        const or = body.end === 'else' ? block(depth + 1, part) : null;
        if (or?.end === 'else') throw at(template, part.at, `this ${word} has two else`);
        const both = { body: body.nodes, or: or?.nodes ?? [] };
        if (word === 'if') nodes.push({ kind: 'if', test: testOf(template, part, rest), ...both });
        else nodes.push({ kind: 'range', path: pathOf(template, part, rest), ...both });
        continue;
      }
      nodes.push({ kind: 'field', path: pathOf(template, part, part.words) });
    }
  };
  return block(0, null).nodes;
}

function wordsOf(template: string, inner: string, offset: number): readonly string[] {
  const words = inner.match(/"[^"\\\n]*"|[^\s"]+/g) ?? [];
  if (words.length === 0 || words.join('') !== inner.replace(/("[^"\\\n]*")|\s+/g, '$1')) {
    throw at(template, offset, `this action cannot be read: ${inner.trim().slice(0, 60)}`);
  }
  return words;
}

const PATH = /^(?:\.|(?:\.[A-Za-z_][\w-]*)+)$/;

function pathOf(template: string, { at: offset }: Action, words: readonly string[]): readonly string[] {
  const [only = ''] = words;
  if (words.length !== 1 || !PATH.test(only)) {
    const said = words.join(' ').slice(0, 60);
    throw at(
      template,
      offset,
      `{{ ${said} }} is more than this server reads: fields, range, if (with eq, ne, not), else, end`,
    );
  }
  return only.split('.').filter((part) => part !== '');
}

function testOf(template: string, action: Action, words: readonly string[]): Test {
  const [first = '', ...rest] = words;
  const operand = (word: string): Operand =>
    word.startsWith('"') ? { text: word.slice(1, -1) } : { path: pathOf(template, action, [word]) };
  if (first === 'eq' || first === 'ne') {
    if (rest.length !== 2) throw at(template, action.at, `${first} takes two operands`);
    return { op: first, of: rest.map(operand) };
  }
  if (first === 'not') return { op: 'not', of: [{ path: pathOf(template, action, rest) }] };
  return { op: 'is', of: [{ path: pathOf(template, action, words) }] };
}

function at(template: string, offset: number, message: string): TemplateError {
  const before = template.slice(0, offset);
  const line = before.split('\n').length;
  return new TemplateError(`template line ${line}, column ${offset - before.lastIndexOf('\n')}: ${message}`);
}

function write(nodes: readonly Node[], dot: unknown, out: { text: string; steps: number }): boolean {
  for (const node of nodes) {
    if (++out.steps > MOST_STEPS || out.text.length > MOST_CHARACTERS) return false;
    if (node.kind === 'text') out.text += node.text;
    else if (node.kind === 'field') {
      const value = valueAt(dot, node.path);
      // As Go writes a key that a map of texts has not.
      out.text += typeof value === 'string' ? value : value === undefined ? '' : '<no value>';
    } else if (node.kind === 'if') {
      if (!write(holds(node.test, dot) ? node.body : node.or, dot, out)) return false;
    } else {
      const list = valueAt(dot, node.path);
      const items: readonly unknown[] = Array.isArray(list) ? list : list instanceof Map ? [...list.values()] : [];
      if (items.length === 0 && !write(node.or, dot, out)) return false;
      for (const item of items) if (!write(node.body, item, out)) return false;
    }
  }
  return out.text.length <= MOST_CHARACTERS;
}

function holds({ op, of }: Test, dot: unknown): boolean {
  const values = of.map((each) => ('text' in each ? each.text : valueAt(dot, each.path)));
  const [first, second] = values;
  if (op === 'eq') return first === second;
  if (op === 'ne') return first !== second;
  const isThere = first !== undefined && first !== '' && !(Array.isArray(first) && first.length === 0);
  return op === 'is' ? isThere : !isThere;
}

function valueAt(dot: unknown, path: readonly string[]): unknown {
  let value = dot;
  for (const key of path) {
    if (!(value instanceof Map)) return undefined;
    value = (value as ReadonlyMap<string, unknown>).get(key);
  }
  return value;
}

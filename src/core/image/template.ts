/**
 * `varsTemplate` of a rule: Go's text templates as far as they make variables out of what matched. In it: text,
 * expressions (template-expression.ts), `range`, `if` and `with` with `else`, `else if` and `end`, comments, and `-` to
 * trim blanks. Variables and templates of their own are refused when it is read, with their place. What comes out is
 * read as lines `name=value`. Bounded: elements visited, functions called and characters written. What exceeds it, or
 * cannot be evaluated, makes no variables.
 */
import { wrong, type Place } from '../jobspec/place.ts';
import { evaluate, ExpressionSyntaxError, parseExpression, type Expression } from './template-expression.ts';
import { EvaluationError, isTrue, textOf, type Value } from './template-functions.ts';

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'write'; readonly of: Expression }
  | {
      readonly kind: 'range' | 'if' | 'with';
      readonly of: Expression;
      readonly body: readonly Node[];
      readonly or: readonly Node[];
    };

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
  /** Null where it cannot be evaluated, wrote too much, or a line that is no `name=value`. */
  expand(matched: Matched): ReadonlyMap<string, string> | null;
}

export function compileTemplate(template: string): Template {
  const nodes = parse(template);
  return {
    expand(matched) {
      try {
        return linesOf(new Writer(matched).write(nodes));
      } catch (error) {
        if (error instanceof EvaluationError) return null;
        throw error;
      }
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
  /** Its first word, if that is not a part of an expression. */
  readonly word: string;
  /** What stands behind it, and where in the template. */
  readonly rest: string;
  readonly at: number;
  readonly restAt: number;
}

const WORDS = ['range', 'if', 'with', 'else', 'end', 'define', 'template', 'block', 'break', 'continue'];

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
    if (trims) inner = ` ${inner.slice(1)}`;
    trimNext = /\s-$/.test(inner);
    if (trimNext) inner = inner.slice(0, -1);
    parts.push(trims ? lead.trimEnd() : lead);
    const isComment = /^\s*\/\*[^]*\*\/\s*$/.test(inner);
    if (!isComment) parts.push(actionOf(inner, open));
    from = close + 2;
  }
  let next = 0;
  const block = (depth: number, opened: Action | null): { nodes: Node[]; end: Action | null } => {
    if (depth > MOST_DEPTH) throw at(template, opened?.at ?? 0, `nested deeper than ${MOST_DEPTH} levels`);
    const nodes: Node[] = [];
    for (;;) {
      const part = parts[next++];
      if (part === undefined) {
        if (opened === null) return { nodes, end: null };
        throw at(template, opened.at, `this ${opened.word} has no end; write {{ end }}`);
      }
      if (typeof part === 'string') {
        if (part !== '') nodes.push({ kind: 'text', text: part });
        continue;
      }
      const { word, rest } = part;
      if (word === 'end' || word === 'else') {
        const isAlone = rest === '' || (word === 'else' && /^(?:if|with)\s/.test(rest));
        if (opened === null || !isAlone)
          throw at(template, part.at, `${`${word} ${rest}`.trim()} does not belong here`);
        return { nodes, end: part };
      }
      if (word === 'range' || word === 'if' || word === 'with') nodes.push(controlled(word, part, depth));
      else if (word === '') nodes.push({ kind: 'write', of: expressionOf(template, part) });
      else throw at(template, part.at, `${word} is more than this server reads`);
    }
  };

  const controlled = (kind: 'range' | 'if' | 'with', opened: Action, depth: number): Node => {
    const of = expressionOf(template, opened);
    const { nodes: body, end } = block(depth + 1, opened);
    if (end?.word !== 'else') return { kind, of, body, or: [] };
    if (end.rest !== '') {
      // `else if`: as another one inside of the else, with the same end.
      const inner = actionOf(` ${end.rest}`, end.restAt - 3);
      return { kind, of, body, or: [controlled(inner.word === 'with' ? 'with' : 'if', inner, depth + 1)] };
    }
    const or = block(depth + 1, opened);
    if (or.end?.word === 'else') throw at(template, opened.at, `this ${kind} has two else`);
    return { kind, of, body, or: or.nodes };
  };
  return block(0, null).nodes;
}

/** `inner` stands behind the two braces at `open`. */
function actionOf(inner: string, open: number): Action {
  const [, blank = '', word = '', gap = ''] = /^(\s*)([a-z]+)?(\s*)/.exec(inner) ?? [];
  const isWord = WORDS.includes(word);
  const skipped = isWord ? blank.length + word.length + gap.length : blank.length;
  return { word: isWord ? word : '', rest: inner.slice(skipped).trimEnd(), at: open, restAt: open + 2 + skipped };
}

function expressionOf(template: string, { rest, restAt }: Action): Expression {
  if (/^\$\w/.test(rest) || rest.includes(':='))
    throw at(template, restAt, 'variables are more than this server reads');
  try {
    return parseExpression(rest);
  } catch (error) {
    if (error instanceof ExpressionSyntaxError) throw at(template, restAt + error.at, error.message);
    throw error;
  }
}

function at(template: string, offset: number, message: string): TemplateError {
  const before = template.slice(0, offset);
  const line = before.split('\n').length;
  return new TemplateError(`template line ${line}, column ${offset - before.lastIndexOf('\n')}: ${message}`);
}

class Writer {
  readonly #root: Value;
  #text = '';
  #steps = 0;

  constructor(root: Value) {
    this.#root = root;
  }

  /** Throws EvaluationError. */
  write(nodes: readonly Node[]): string {
    this.#all(nodes, this.#root);
    return this.#text;
  }

  #all(nodes: readonly Node[], dot: Value): void {
    for (const node of nodes) {
      this.#step();
      if (node.kind === 'text') this.#text += node.text;
      else if (node.kind === 'write') this.#text += textOf(this.#value(node.of, dot));
      else this.#controlled(node, dot);
      if (this.#text.length > MOST_CHARACTERS) throw new EvaluationError('too long');
    }
  }

  #controlled(node: Node & { readonly kind: 'range' | 'if' | 'with' }, dot: Value): void {
    const value = this.#value(node.of, dot);
    if (!isTrue(value)) return this.#all(node.or, dot);
    if (node.kind === 'if') return this.#all(node.body, dot);
    if (node.kind === 'with') return this.#all(node.body, value);
    for (const item of itemsOf(value)) this.#all(node.body, item);
  }

  #value(expression: Expression, dot: Value): Value {
    return evaluate(expression, dot, this.#root, () => this.#step());
  }

  #step(): void {
    if (++this.#steps > MOST_STEPS) throw new EvaluationError('too many steps');
  }
}

/** Of a map the values, in the order of their keys. */
function itemsOf(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (!(value instanceof Map)) throw new EvaluationError('range goes over a list');
  return [...(value as ReadonlyMap<string, Value>)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

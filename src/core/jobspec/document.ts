/**
 * Text (YAML 1.2 or JSON) to a tree that remembers where each value stood and how it was written.
 * Limits, so that hostile text costs little: 1 MiB, 40,000 lexical tokens, 64 levels, 50,000 values once aliases
 * are followed. A key written twice is refused, and so is a tag that we do not know.
 */
import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser } from 'yaml';
import type { Document, ParsedNode } from 'yaml';
import { invalid } from '../errors.ts';

export interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

export type DocumentNode =
  | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, DocumentNode>; readonly at: Position }
  | { readonly kind: 'list'; readonly items: readonly DocumentNode[]; readonly at: Position }
  | {
      readonly kind: 'scalar';
      readonly value: string | number | boolean | null;
      /** The source text of a plain scalar (`0.10` stays `0.10`), the content of a quoted one. */
      readonly text: string;
      readonly at: Position;
    };

export interface DocumentLimits {
  readonly bytes: number;
  readonly tokens: number;
  readonly depth: number;
  readonly values: number;
}

export const DOCUMENT_LIMITS: DocumentLimits = { bytes: 2 ** 20, tokens: 40_000, depth: 64, values: 50_000 };

/** One document. Throws `invalid_input` with line and column; `what` names it in messages (`the jobspec`). */
export function readDocument(text: string, what: string, limits: DocumentLimits = DOCUMENT_LIMITS): DocumentNode {
  const document = readOptionalDocument(text, what, limits);
  if (document === null) throw invalid(what, 'is empty');
  return document;
}

/** As `readDocument`; null where there is nothing but blanks and comments. */
export function readOptionalDocument(
  text: string,
  what: string,
  limits: DocumentLimits = DOCUMENT_LIMITS,
): DocumentNode | null {
  if (text.length > limits.bytes || Buffer.byteLength(text) > limits.bytes) {
    throw invalid(what, `longer than ${limits.bytes} bytes, which is the limit`);
  }
  const lines = new LineCounter();
  checkTokens(text, what, limits);
  const document = compose(text, what, lines);
  if (document === null || document.contents === null) return null;
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  return new Builder(what, limits, at).build(document.contents, 1);
}

/**
 * Counting before parsing keeps a megabyte of brackets from costing seconds. A text too short to pass a limit is not
 * counted: that would be a quarter of the time that a common jobspec takes.
 */
function checkTokens(text: string, what: string, limits: DocumentLimits): void {
  const brackets = text.length <= limits.tokens ? (text.match(/[[{]/g)?.length ?? 0) : Infinity;
  if (brackets <= limits.depth) return;
  let tokens = 0;
  let open = 0;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (token === '[' || token === '{') open += 1;
    else if (token === ']' || token === '}') open -= 1;
    if (open > limits.depth) {
      throw invalid(what, `nested deeper than ${limits.depth} levels, which is the limit`);
    }
    if (tokens > limits.tokens) {
      throw invalid(what, `has more than ${limits.tokens} tokens, which is the limit`);
    }
  }
}

function compose(text: string, what: string, lines: LineCounter): Document.Parsed | null {
  const composer = new Composer({
    lineCounter: lines,
    uniqueKeys: false, // quadratic there; ours, below, is not
    prettyErrors: false,
    logLevel: 'silent',
    schema: 'core',
  });
  let document: Document.Parsed | null = null;
  try {
    for (const each of composer.compose(new Parser(lines.addNewLine).parse(text))) {
      if (document !== null) {
        throw invalid(placed(what, each.range[0], lines), 'a second document begins here; give one');
      }
      document = each;
    }
  } catch (error) {
    if (error instanceof RangeError) throw invalid(what, 'nested too deeply');
    throw error;
  }
  if (document === null) return null;
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const message = /call stack/.test(problem.message) ? 'nested too deeply' : problem.message.slice(0, 200);
    throw invalid(placed(what, problem.pos[0], lines), message);
  }
  return document;
}

function placed(what: string, offset: number, lines: LineCounter): string {
  const { line, col } = lines.linePos(offset);
  return `${what}, line ${line}, column ${col}`;
}

class Builder {
  private readonly what: string;
  private readonly limits: DocumentLimits;
  private readonly at: (offset: number) => Position;
  private readonly anchors = new Map<string, ParsedNode>();
  private values = 0;

  constructor(what: string, limits: DocumentLimits, at: (offset: number) => Position) {
    this.what = what;
    this.limits = limits;
    this.at = at;
  }

  build(node: ParsedNode, depth: number): DocumentNode {
    this.values += 1;
    if (this.values > this.limits.values) {
      throw this.wrong(node, `holds more than ${this.limits.values} values, which is the limit`);
    }
    if (depth > this.limits.depth) {
      throw this.wrong(node, `nested deeper than ${this.limits.depth} levels, which is the limit`);
    }
    if (isAlias(node)) {
      const target = this.anchors.get(node.source);
      if (target === undefined) throw this.wrong(node, `no anchor &${node.source} stands before this alias`);
      return this.build(target, depth + 1);
    }
    const at = this.at(node.range[0]);
    if (isScalar(node)) {
      this.anchor(node);
      const value = node.value;
      if (typeof value === 'string') return { kind: 'scalar', value, text: value, at };
      if (value === null || value === undefined) return { kind: 'scalar', value: null, text: '', at };
      if (typeof value === 'number' || typeof value === 'boolean') {
        return { kind: 'scalar', value, text: node.source ?? String(value), at };
      }
      throw this.wrong(node, 'is neither text, a number, true, false nor null');
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => this.build(item, depth + 1));
      this.anchor(node);
      return { kind: 'list', items, at };
    }
    const entries = this.entries(node, depth);
    this.anchor(node);
    return { kind: 'map', entries, at };
  }

  /** An anchor counts once its node is complete, so nothing can hold itself. */
  private anchor(node: ParsedNode & { anchor?: string }): void {
    if (node.anchor !== undefined) this.anchors.set(node.anchor, node);
  }

  private entries(node: ParsedNode, depth: number): Map<string, DocumentNode> {
    if (!isMap<ParsedNode, ParsedNode | null>(node)) throw this.wrong(node, 'is of no known kind');
    const entries = new Map<string, DocumentNode>();
    const merged: DocumentNode[] = [];
    for (const pair of node.items) {
      const key = this.build(pair.key, depth + 1);
      if (key.kind !== 'scalar') throw this.wrong(pair.key, 'a key must be text');
      const value: DocumentNode =
        pair.value === null ? { kind: 'scalar', value: null, text: '', at: key.at } : this.build(pair.value, depth + 1);
      if (key.text === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        merged.push(...(value.kind === 'list' ? value.items : [value]));
        continue;
      }
      if (entries.has(key.text)) throw this.wrong(pair.key, `the key ${JSON.stringify(key.text)} stands here twice`);
      entries.set(key.text, value);
    }
    for (const source of merged) {
      if (source.kind !== 'map') throw this.wrong(node, '`<<` takes a map or a list of maps');
      for (const [key, value] of source.entries) {
        if (!entries.has(key)) entries.set(key, value);
      }
    }
    return entries;
  }

  private wrong(node: { range?: readonly number[] | null }, message: string): Error {
    const { line, column } = this.at(node.range?.[0] ?? 0);
    return invalid(`${this.what}, line ${line}, column ${column}`, message);
  }
}

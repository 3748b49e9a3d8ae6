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
  return readDocuments(text, what, limits, 1)[0] ?? null;
}

/** All documents of a stream, at most `most`; those that hold nothing are left out. The limits are for all together. */
export function readDocuments(
  text: string,
  what: string,
  limits: DocumentLimits,
  most: number,
): readonly DocumentNode[] {
  if (text.length > limits.bytes || Buffer.byteLength(text) > limits.bytes) {
    throw invalid(placedIn(text, what, limits.bytes), `longer than ${limits.bytes} bytes, which is the limit`);
  }
  const lines = new LineCounter();
  checkTokens(text, what, limits);
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const budget = { values: 0 };
  return compose(text, what, lines, most).flatMap(({ contents }) =>
    contents === null || isNullScalar(contents) ? [] : [new Builder(what, limits, at, budget).build(contents, 1)],
  );
}

/** What `null` and `---` hold; with an anchor or in quotes it would be something. */
function isNullScalar(node: ParsedNode): boolean {
  return isScalar(node) && node.value === null && (node.source ?? '') === '';
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
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    // The lexer's own marks (a document, a scalar, a wrong end) are single control characters, not of the text.
    // oxlint-disable-next-line no-control-regex -- these are the marks
    if (!/^[\u0002\u0018\u001f]$/.test(token)) offset += token.length;
    if (token === '[' || token === '{') open += 1;
    else if (token === ']' || token === '}') open -= 1;
    if (open > limits.depth) {
      throw invalid(placedIn(text, what, offset - 1), `nested deeper than ${limits.depth} levels, which is the limit`);
    }
    if (tokens > limits.tokens) {
      throw invalid(placedIn(text, what, offset - 1), `has more than ${limits.tokens} tokens, which is the limit`);
    }
  }
}

function compose(text: string, what: string, lines: LineCounter, most: number): readonly Document.Parsed[] {
  const composer = new Composer({
    lineCounter: lines,
    uniqueKeys: false, // quadratic there; ours, below, is not
    prettyErrors: false,
    logLevel: 'silent',
    schema: 'core',
  });
  const documents: Document.Parsed[] = [];
  try {
    for (const each of composer.compose(new Parser(lines.addNewLine).parse(text))) {
      if (documents.length === most) {
        const too =
          most === 1 ? 'a second document begins here; give one' : `more than ${most} documents, which is the limit`;
        throw invalid(placed(what, each.range[0], lines), too);
      }
      documents.push(each);
    }
  } catch (error) {
    if (error instanceof RangeError) throw invalid(what, 'nested too deeply');
    throw error;
  }
  for (const { errors, warnings } of documents) {
    const problem = errors[0] ?? warnings[0];
    if (problem === undefined) continue;
    const message = /call stack/.test(problem.message) ? 'nested too deeply' : problem.message.slice(0, 200);
    throw invalid(placed(what, problem.pos[0], lines), message);
  }
  return documents;
}

/** For errors found before there are lines: `offset` into the text. */
function placedIn(text: string, what: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return `${what}, line ${line}, column ${before.length - before.lastIndexOf('\n')}`;
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
  /** Shared by the documents of one stream. */
  private readonly budget: { values: number };

  constructor(what: string, limits: DocumentLimits, at: (offset: number) => Position, budget: { values: number }) {
    this.what = what;
    this.limits = limits;
    this.at = at;
    this.budget = budget;
  }

  build(node: ParsedNode, depth: number): DocumentNode {
    this.budget.values += 1;
    if (this.budget.values > this.limits.values) {
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

/**
 * Tokens of the expression language (govaluate's, without its dates): numbers, quoted strings, names, operators.
 * A name may be written `[any name]`, or with `\` before a character that would end it (`cost\-per\-node`).
 */
import { ExpressionError } from './error.ts';

export const MOST_CHARACTERS = 4096;

export type Token =
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | { readonly kind: 'string'; readonly value: string; readonly at: number }
  | { readonly kind: 'name'; readonly value: string; readonly escaped: boolean; readonly at: number }
  | { readonly kind: 'operator'; readonly value: string; readonly at: number }
  | { readonly kind: 'end'; readonly value: ''; readonly at: number };

/** Longest first, so that `**` is not read as `*`, `*`. */
const OPERATORS = '** << >> <= >= == != =~ !~ && || ?? + - * / % & | ^ ~ < > ! ? : ( ) ,'.split(' ');

export function tokenize(text: string): readonly Token[] {
  if (text.length > MOST_CHARACTERS) {
    throw new ExpressionError(`longer than ${MOST_CHARACTERS} characters, which is the limit`);
  }
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at += 1;
      continue;
    }
    const [token, next] = readToken(text, at);
    tokens.push(token);
    at = next;
  }
  tokens.push({ kind: 'end', value: '', at });
  return tokens;
}

function readToken(text: string, at: number): readonly [Token, number] {
  const c = text[at]!;
  if (/[0-9.]/.test(c)) return readNumber(text, at);
  if (c === '"' || c === "'") {
    const [value, next] = readQuoted(text, at, c, 'the string is not closed');
    return [{ kind: 'string', value, at }, next];
  }
  if (c === '[') {
    const [value, next] = readQuoted(text, at, ']', 'the name in brackets is not closed');
    if (value.trim() === '') throw new ExpressionError('the name in brackets is empty', at);
    return [{ kind: 'name', value: value.trim(), escaped: true, at }, next];
  }
  if (/[\p{L}_\\]/u.test(c)) return readName(text, at);
  const operator = OPERATORS.find((each) => text.startsWith(each, at));
  if (operator === undefined) {
    const hint = c === '=' ? '; to compare, write ==' : '';
    throw new ExpressionError(`${JSON.stringify(c)} is no operator${hint}`, at);
  }
  return [{ kind: 'operator', value: operator, at }, at + operator.length];
}

function readNumber(text: string, at: number): readonly [Token, number] {
  const pattern = /0[xX][0-9a-fA-F]{1,16}|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?/y;
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  const next = at + (found?.[0].length ?? 0);
  if (found === null || /[\p{L}\d_.]/u.test(text[next] ?? '')) {
    throw new ExpressionError('is no number', at);
  }
  return [{ kind: 'number', value: Number(found[0]), at }, next];
}

function readQuoted(text: string, at: number, close: string, unclosed: string): readonly [string, number] {
  let value = '';
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === close) return [value, i + 1];
    if (text[i] === '\\' && i + 1 < text.length) i += 1;
    value += text[i];
  }
  throw new ExpressionError(unclosed, at);
}

function readName(text: string, at: number): readonly [Token, number] {
  let value = '';
  let escaped = false;
  let i = at;
  for (; i < text.length; i++) {
    if (text[i] === '\\') {
      i += 1;
      if (i >= text.length) throw new ExpressionError('nothing follows the backslash', i - 1);
      escaped = true;
    } else if (!/[\p{L}\p{N}_.]/u.test(text[i]!)) {
      break;
    }
    value += text[i];
  }
  return [{ kind: 'name', value, escaped, at }, i];
}

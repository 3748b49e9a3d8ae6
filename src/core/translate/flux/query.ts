/**
 * Constraint queries (RFC 35) to RFC 31 constraints and back: terms joined by and, or, not, -, parentheses or just
 * blanks; `host:` and `rank:` before an operand, else it is properties.
 */
import type { Constraint } from '../../jobspec/jobspec.ts';
import type { Json } from '../draft.ts';

const OPERATORS: Readonly<Record<string, string>> = {
  host: 'hostlist',
  hosts: 'hostlist',
  hostlist: 'hostlist',
  rank: 'ranks',
  ranks: 'ranks',
  properties: 'properties',
};
const DEEPEST = 20;

type Token = { readonly sign: '&' | '|' | '(' | ')' | 'not' | '-' } | { readonly term: string };

/** null: it cannot be read. */
export function readQuery(text: string): Json | null {
  const tokens = tokensOf(text);
  if (tokens === null || tokens.length === 0 || tokens.length > 5000) return null;
  let at = 0;
  const sign = (): string => {
    const token = tokens[at];
    return token === undefined ? 'end' : 'sign' in token ? token.sign : 'term';
  };

  const either = (depth: number): Json | null => {
    const of: Json[] = [];
    for (;;) {
      const each = all(depth);
      if (each === null) return null;
      of.push(each);
      if (sign() !== '|') return of.length === 1 ? of[0]! : { or: of };
      at += 1;
    }
  };

  const all = (depth: number): Json | null => {
    const of: Json[] = [];
    for (;;) {
      const each = one(depth);
      if (each === null) return null;
      of.push(each);
      if (sign() === '&') at += 1;
      else if (!['term', '(', 'not', '-'].includes(sign())) return of.length === 1 ? of[0]! : { and: of };
    }
  };

  const one = (depth: number): Json | null => {
    if (depth > DEEPEST) return null;
    const token = tokens[at++];
    if (token === undefined) return null;
    if ('term' in token) return term(token.term);
    if (token.sign === '(') {
      const inner = either(depth + 1);
      if (inner === null || sign() !== ')') return null;
      at += 1;
      return inner;
    }
    if (token.sign === 'not') {
      const inner = one(depth + 1);
      return inner === null ? null : { not: [inner] };
    }
    const next = tokens[at++];
    if (token.sign !== '-' || next === undefined || !('term' in next)) return null;
    const inner = term(next.term);
    return inner === null ? null : { not: [inner] };
  };

  const tree = either(0);
  return at < tokens.length ? null : tree;
}

function term(text: string): Json | null {
  const colon = text.indexOf(':');
  const operator = colon < 0 ? 'properties' : OPERATORS[text.slice(0, colon)];
  const operand = colon < 0 ? text : text.slice(colon + 1);
  if (operator === undefined || operand === '') return null;
  if (operator !== 'properties') return { [operator]: [operand] };
  const names = operand.split(',').filter((name) => name !== '');
  return names.length === 0 || names.includes('^') ? null : { properties: names };
}

function tokensOf(text: string): readonly Token[] | null {
  const tokens: Token[] = [];
  for (let i = 0; i < text.length;) {
    const c = text[i]!;
    if (/\s/.test(c)) {
      i += 1;
    } else if (/[&|()]/.test(c)) {
      tokens.push({ sign: c as '&' });
      i += (c === '&' || c === '|') && text[i + 1] === c ? 2 : 1;
    } else if (c === '-') {
      tokens.push({ sign: '-' });
      i += 1;
    } else {
      const parts: string[] = [];
      let quoted = false;
      while (i < text.length && !/[\s&|()]/.test(text[i]!)) {
        const quote = text[i]!;
        if (quote !== '"' && quote !== "'") {
          parts.push(quote);
          i += 1;
          continue;
        }
        const end = text.indexOf(quote, i + 1);
        if (end < 0) return null;
        parts.push(text.slice(i + 1, end));
        quoted = true;
        i = end + 1;
      }
      const word = parts.join('');
      if (quoted || !/^(and|or|not)$/.test(word)) tokens.push({ term: word });
      else tokens.push({ sign: word === 'and' ? '&' : word === 'or' ? '|' : 'not' });
    }
  }
  return tokens;
}

/** null where RFC 35 cannot say it. */
export function queryText(constraint: Constraint): string | null {
  switch (constraint.op) {
    case 'properties':
      if (constraint.values.length === 0 || !constraint.values.every(isName)) return null;
      return constraint.values.map((name) => (/^(and|or|not)$/.test(name) ? `properties:${name}` : name)).join('&');
    case 'hostlist':
      return constraint.values.length === 0 ? null : `host:${constraint.values.join(',')}`;
    case 'ranks':
      if (constraint.ranks.length === 0) return null;
      return `rank:${constraint.ranks.map(([a, b]) => (a === b ? String(a) : `${a}-${b}`)).join(',')}`;
    case 'not': {
      const parts = constraint.of.map(queryText);
      return parts.length === 0 || parts.includes(null) ? null : `not (${parts.join('&')})`;
    }
    default: {
      const parts = constraint.of.map(queryText);
      if (parts.length === 0 || parts.includes(null)) return null;
      return `(${parts.join(constraint.op === 'and' ? '&' : '|')})`;
    }
  }
}

function isName(name: string): boolean {
  return /^[^\s&'"`|(),:-][^\s&'"`|(),:]*$/.test(name);
}

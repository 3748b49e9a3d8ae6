/**
 * Where a text stops being JSON. The engine's own error gives no position for short texts, and people edit graphs by
 * hand. Runs only after parsing has failed; iterates, as nesting is the sender's choice.
 */
const token =
  // eslint-disable-next-line no-control-regex -- JSON forbids control characters in strings
  /[\t\n\r ]*(?:([{}[\]:,])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y;
const space = /[\t\n\r ]*/y;

/** What may come next. */
type State = 'value' | 'value or ]' | 'key or }' | 'key' | ':' | ', or end';

/** After so many tokens it is not worth the wait. */
const tokenLimit = 1_000_000;

/**
 * The offset of the first character that does not belong; the text's length where it ends too early, null where the
 * place is too far in to be looked for.
 */
export function errorOffset(text: string): number | null {
  const open: ('{' | '[')[] = [];
  let state: State = 'value';
  let at = 0;
  for (let tokens = 0; !(state === ', or end' && open.length === 0); tokens++) {
    if (tokens === tokenLimit) return null;
    token.lastIndex = at;
    const found = token.exec(text);
    const start = skipSpace(text, at);
    if (found === null) return start;
    const next = step(state, found[1] ?? (found[2] === undefined ? 'literal' : 'string'), open);
    if (next === null) return start;
    state = next;
    at = token.lastIndex;
  }
  return skipSpace(text, at);
}

function skipSpace(text: string, at: number): number {
  space.lastIndex = at;
  space.exec(text);
  return space.lastIndex;
}

/** The state after a token, or null where it does not belong. */
function step(state: State, kind: string, open: ('{' | '[')[]): State | null {
  switch (state) {
    case 'value':
    case 'value or ]':
      if (kind === 'string' || kind === 'literal') return ', or end';
      if (kind === '{' || kind === '[') {
        open.push(kind);
        return kind === '{' ? 'key or }' : 'value or ]';
      }
      return state === 'value or ]' && kind === ']' ? close(open) : null;
    case 'key or }':
    case 'key':
      if (kind === 'string') return ':';
      return state === 'key or }' && kind === '}' ? close(open) : null;
    case ':':
      return kind === ':' ? 'value' : null;
    default: {
      const outer = open[open.length - 1];
      if (kind === ',') return outer === '{' ? 'key' : 'value';
      return (kind === '}' && outer === '{') || (kind === ']' && outer === '[') ? close(open) : null;
    }
  }
}

function close(open: ('{' | '[')[]): State {
  open.pop();
  return ', or end';
}

/**
 * `--constraint`: features joined by & (or a comma) and |, from left to right as slurmctld reads them, with
 * parentheses. `[a|b]` (all nodes alike) and `a*4` (so many nodes of a) are more than RFC 31 can say of each node.
 */
import type { Json } from '../draft.ts';

export interface Features {
  /** RFC 31; null where nothing of it can be said. */
  readonly constraint: Json | null;
  /** All nodes were to have the same of some features. */
  readonly alike: boolean;
  /** Counts of nodes were dropped, and with them the constraint. */
  readonly counted: boolean;
}

type Tree = { readonly name: string } | { readonly op: 'and' | 'or'; readonly of: Tree[] };

/** null: it cannot be read. */
export function readFeatures(text: string): Features | null {
  const tokens = text.match(/[&|,()[\]]|\*|[^&|,()[\]*\s]+|\s+/g)?.filter((token) => token.trim() !== '') ?? [];
  if (tokens.length === 0 || tokens.length > 1000) return null;
  let at = 0;
  let alike = false;
  let counted = false;

  const expression = (depth: number): Tree | null => {
    let left = atom(depth);
    while (left !== null && at < tokens.length && /^[&|,]$/.test(tokens[at]!)) {
      const op = tokens[at++] === '|' ? 'or' : 'and';
      const right = atom(depth);
      if (right === null) return null;
      left = 'op' in left && left.op === op ? { op, of: [...left.of, right] } : { op, of: [left, right] };
    }
    return left;
  };

  const atom = (depth: number): Tree | null => {
    const token = tokens[at++];
    if (token === undefined || depth > 20) return null;
    let tree: Tree | null;
    if (token === '(' || token === '[') {
      tree = expression(depth + 1);
      if (tokens[at++] !== (token === '(' ? ')' : ']')) return null;
      if (token === '[' && tree !== null && 'op' in tree && tree.op === 'or') alike = true;
    } else {
      tree = /^[\w.=:/+-]+$/.test(token) ? { name: token } : null;
    }
    if (tree !== null && tokens[at] === '*') {
      if (!/^\d{1,9}$/.test(tokens[at + 1] ?? '')) return null;
      at += 2;
      counted = true;
    }
    return tree;
  };

  const tree = expression(0);
  if (tree === null || at < tokens.length) return null;
  return { constraint: counted ? null : toConstraint(tree), alike: alike && !counted, counted };
}

function toConstraint(tree: Tree): Json {
  if ('name' in tree) return { properties: [tree.name] };
  const names = tree.of.filter((each) => 'name' in each).map(({ name }) => name);
  // RFC 31: the properties of one list hold together.
  if (tree.op === 'and' && names.length === tree.of.length) return { properties: names };
  return { [tree.op]: tree.of.map(toConstraint) };
}

/**
 * Tokens to a tree. Precedence from low to high, as govaluate has it: `,` < `?:` and `??` < `||` < `&&` <
 * comparators < bitwise < shift < additive < multiplicative < power < prefix. Operators of one level group from the
 * left, power too. Nesting is bounded, so neither reading nor evaluating can exhaust the stack.
 */
import { ExpressionError } from './error.ts';
import { isRegex } from './regex.ts';
import { tokenize } from './tokens.ts';
import type { Token } from './tokens.ts';

export type ExpressionNode =
  | { readonly kind: 'literal'; readonly value: number | string | boolean }
  | { readonly kind: 'name'; readonly name: string; readonly at: number }
  | { readonly kind: 'array'; readonly items: readonly ExpressionNode[] }
  | { readonly kind: 'call'; readonly name: string; readonly items: readonly ExpressionNode[]; readonly at: number }
  | { readonly kind: 'prefix'; readonly operator: string; readonly operand: ExpressionNode; readonly at: number }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: ExpressionNode;
      readonly right: ExpressionNode;
      readonly at: number;
    }
  | {
      readonly kind: 'ternary';
      readonly condition: ExpressionNode;
      readonly yes: ExpressionNode;
      /** null: nothing where the condition does not hold. */
      readonly no: ExpressionNode | null;
      readonly at: number;
    };

const MOST_NESTING = 64;

const LEVELS: readonly (readonly string[])[] = [
  ['??'],
  ['||'],
  ['&&'],
  ['==', '!=', '<', '<=', '>', '>=', '=~', '!~', 'in'],
  ['&', '|', '^'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
  ['**'],
];

export const FUNCTIONS: readonly string[] = ['min', 'max'];

/** Throws ExpressionError with the offset. */
export function parseExpression(text: string): ExpressionNode {
  return new Parser(tokenize(text)).whole();
}

class Parser {
  private readonly tokens: readonly Token[];
  private position = 0;
  private nesting = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  whole(): ExpressionNode {
    const node = this.ternary();
    const rest = this.peek();
    if (rest.kind !== 'end') throw new ExpressionError(`${shown(rest)} stands where an operator should`, rest.at);
    return node;
  }

  private peek(): Token {
    return this.tokens[this.position]!;
  }

  private next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.position += 1;
    return token;
  }

  private takes(operator: string): boolean {
    const token = this.peek();
    if (token.kind !== 'operator' || token.value !== operator) return false;
    this.position += 1;
    return true;
  }

  private nested<T>(read: () => T): T {
    this.nesting += 1;
    if (this.nesting > MOST_NESTING) {
      throw new ExpressionError(`nested deeper than ${MOST_NESTING} levels, which is the limit`, this.peek().at);
    }
    const result = read();
    this.nesting -= 1;
    return result;
  }

  private ternary(): ExpressionNode {
    const condition = this.level(0);
    const { at } = this.peek();
    if (!this.takes('?')) return condition;
    const yes = this.nested(() => this.ternary());
    const no = this.takes(':') ? this.nested(() => this.ternary()) : null;
    return { kind: 'ternary', condition, yes, no, at };
  }

  private level(index: number): ExpressionNode {
    const operators = LEVELS[index];
    if (operators === undefined) return this.prefix();
    let left = this.level(index + 1);
    for (;;) {
      const token = this.peek();
      const operator = operatorOf(token);
      if (operator === null || !operators.includes(operator)) return left;
      this.position += 1;
      const right = this.level(index + 1);
      if ((operator === '=~' || operator === '!~') && right.kind === 'literal') checkRegex(right.value, token.at);
      left = { kind: 'binary', operator, left, right, at: token.at };
    }
  }

  private prefix(): ExpressionNode {
    const token = this.peek();
    if (token.kind === 'operator' && ['-', '!', '~'].includes(token.value)) {
      this.position += 1;
      const operand = this.nested(() => this.prefix());
      return { kind: 'prefix', operator: token.value, operand, at: token.at };
    }
    return this.value();
  }

  private value(): ExpressionNode {
    const token = this.next();
    if (token.kind === 'number' || token.kind === 'string') return { kind: 'literal', value: token.value };
    if (token.kind === 'name') return this.name(token);
    if (token.kind === 'operator' && token.value === '(') {
      const items = this.list(token);
      if (items.length === 0) throw new ExpressionError('nothing stands between the parentheses', token.at);
      return items.length === 1 ? items[0]! : { kind: 'array', items };
    }
    const what = token.kind === 'end' ? 'the expression ends' : `${shown(token)} stands`;
    throw new ExpressionError(`${what} where a value should be`, token.at);
  }

  private name(token: Token & { kind: 'name' }): ExpressionNode {
    const { value, escaped, at } = token;
    if (!escaped && (value === 'true' || value === 'false')) return { kind: 'literal', value: value === 'true' };
    if (!escaped && operatorOf(token) === 'in') throw new ExpressionError('`in` stands where a value should be', at);
    const open = this.peek();
    if (!escaped && open.kind === 'operator' && open.value === '(') {
      if (!FUNCTIONS.includes(value)) {
        throw new ExpressionError(`there is no function ${value}; there are ${FUNCTIONS.join(' and ')}`, at);
      }
      this.position += 1;
      const items = this.list(open);
      if (items.length === 0) throw new ExpressionError(`${value} needs at least one number`, at);
      return { kind: 'call', name: value, items, at };
    }
    if (!escaped && FUNCTIONS.includes(value)) {
      throw new ExpressionError(`${value} is a function: ${value}(a, b); a variable of that name is [${value}]`, at);
    }
    return { kind: 'name', name: value, at };
  }

  /** Up to the closing parenthesis; the opening one was read. */
  private list(open: Token): readonly ExpressionNode[] {
    const items: ExpressionNode[] = [];
    if (this.takes(')')) return items;
    do items.push(this.nested(() => this.ternary()));
    while (this.takes(','));
    if (!this.takes(')')) throw new ExpressionError('the parenthesis is not closed', open.at);
    return items;
  }
}

function operatorOf(token: Token): string | null {
  if (token.kind === 'operator') return token.value;
  return token.kind === 'name' && !token.escaped && (token.value === 'in' || token.value === 'IN') ? 'in' : null;
}

function checkRegex(pattern: number | string | boolean, at: number): void {
  if (typeof pattern !== 'string') throw new ExpressionError('a regular expression must be a string', at);
  const problem = isRegex(pattern);
  if (problem !== null) throw new ExpressionError(`${JSON.stringify(pattern)}: ${problem}`, at);
}

function shown(token: Token): string {
  return token.kind === 'end' ? 'the end' : JSON.stringify(String(token.value).slice(0, 40));
}

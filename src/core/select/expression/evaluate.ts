/**
 * The value of an expression. Numbers are float64; text, booleans and arrays besides; null where nothing is. Types
 * do not mix, but for `+`, which joins as text where either side is text, and `==`, which is false across types.
 * `fuel` bounds the work of one selection; a name that is not there is an error, except on the left of `??`.
 */
import { ExpressionError } from './error.ts';
import type { ExpressionNode } from './parse.ts';
import { compileRegex } from './regex.ts';

export type Value = number | string | boolean | null | readonly Value[];

export interface Scope {
  /** undefined: no such name. */
  get(name: string): Value | undefined;
  /** Steps that may still be taken, shared by all expressions of one selection. */
  readonly fuel: { left: number };
}

const LONGEST_TEXT = 4096;

/** Throws ExpressionError. */
export function evaluate(node: ExpressionNode, scope: Scope): Value {
  burn(scope, 1);
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'name': {
      const value = scope.get(node.name);
      if (value === undefined) throw new ExpressionError(`${node.name} is not known`);
      return value;
    }
    case 'array':
      return node.items.map((item) => evaluate(item, scope));
    case 'call': {
      const numbers = node.items.map((item) => asNumber(evaluate(item, scope), node.name));
      return node.name === 'min' ? Math.min(...numbers) : Math.max(...numbers);
    }
    case 'prefix':
      return evaluatePrefix(node.operator, evaluate(node.operand, scope));
    case 'ternary':
      if (asBoolean(evaluate(node.condition, scope), '?')) return evaluate(node.yes, scope);
      return node.no === null ? null : evaluate(node.no, scope);
    case 'binary':
      return evaluateBinary(node, scope);
    default:
      return node satisfies never;
  }
}

function evaluatePrefix(operator: string, operand: Value): Value {
  if (operator === '!') return !asBoolean(operand, '!');
  if (operator === '-') return -asNumber(operand, '-');
  return Number(BigInt.asIntN(64, ~asInteger(operand, '~')));
}

function evaluateBinary(node: ExpressionNode & { kind: 'binary' }, scope: Scope): Value {
  const { operator } = node;
  if (operator === '??') {
    return (isMissing(node.left, scope) ? null : evaluate(node.left, scope)) ?? evaluate(node.right, scope);
  }
  const left = evaluate(node.left, scope);
  if (operator === '&&') return asBoolean(left, '&&') && asBoolean(evaluate(node.right, scope), '&&');
  if (operator === '||') return asBoolean(left, '||') || asBoolean(evaluate(node.right, scope), '||');
  const right = evaluate(node.right, scope);
  switch (operator) {
    case '==':
      return isEqual(left, right);
    case '!=':
      return !isEqual(left, right);
    case 'in':
      if (!Array.isArray(right)) throw new ExpressionError(`\`in\` needs a list on its right, not ${kindOf(right)}`);
      burn(scope, right.length);
      return right.some((item) => isEqual(left, item));
    case '=~':
      return matches(left, right, scope);
    case '!~':
      return !matches(left, right, scope);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compare(operator, left, right);
    case '+':
      return add(left, right, scope);
    default:
      return arithmetic(operator, left, right);
  }
}

function isMissing(node: ExpressionNode, scope: Scope): boolean {
  return node.kind === 'name' && scope.get(node.name) === undefined;
}

function compare(operator: '<' | '<=' | '>' | '>=', left: Value, right: Value): boolean {
  const bothText = typeof left === 'string' && typeof right === 'string';
  if (!bothText && (typeof left !== 'number' || typeof right !== 'number')) {
    throw new ExpressionError(
      `\`${operator}\` compares two numbers or two texts, not ${kindOf(left)} and ${kindOf(right)}`,
    );
  }
  if (operator === '<') return left < right;
  if (operator === '<=') return left <= right;
  return operator === '>' ? left > right : left >= right;
}

function add(left: Value, right: Value, scope: Scope): Value {
  if (typeof left !== 'string' && typeof right !== 'string') return asNumber(left, '+') + asNumber(right, '+');
  const joined = asText(left) + asText(right);
  if (joined.length > LONGEST_TEXT) throw new ExpressionError(`a text grows longer than ${LONGEST_TEXT} characters`);
  burn(scope, joined.length / 16);
  return joined;
}

function arithmetic(operator: string, left: Value, right: Value): number {
  switch (operator) {
    case '-':
      return asNumber(left, operator) - asNumber(right, operator);
    case '*':
      return asNumber(left, operator) * asNumber(right, operator);
    case '/':
      return asNumber(left, operator) / asNumber(right, operator);
    case '%':
      return asNumber(left, operator) % asNumber(right, operator);
    case '**':
      return asNumber(left, operator) ** asNumber(right, operator);
    case '&':
      return Number(asInteger(left, operator) & asInteger(right, operator));
    case '|':
      return Number(asInteger(left, operator) | asInteger(right, operator));
    case '^':
      return Number(asInteger(left, operator) ^ asInteger(right, operator));
    case '<<':
    case '>>':
      return shift(operator, asInteger(left, operator), asInteger(right, operator));
    default:
      throw new ExpressionError(`${operator} is no operator`);
  }
}

/** On 64 bits without a sign, as govaluate shifts. */
function shift(operator: '<<' | '>>', left: bigint, by: bigint): number {
  const bits = BigInt.asUintN(64, left);
  const steps = BigInt.asUintN(64, by);
  if (steps > 63n) return 0;
  return Number(operator === '<<' ? BigInt.asUintN(64, bits << steps) : bits >> steps);
}

function matches(left: Value, right: Value, scope: Scope): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') {
    throw new ExpressionError(
      `\`=~\` matches a text with a regular expression, not ${kindOf(left)} with ${kindOf(right)}`,
    );
  }
  const regex = compileRegex(right);
  burn(scope, (left.length + 1) * regex.size);
  return regex.test(left);
}

function isEqual(left: Value, right: Value): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => isEqual(item, right[index] as Value));
  }
  return left === right;
}

function asNumber(value: Value, operator: string): number {
  if (typeof value !== 'number') throw new ExpressionError(`\`${operator}\` needs numbers, not ${kindOf(value)}`);
  return value;
}

function asBoolean(value: Value, operator: string): boolean {
  if (typeof value !== 'boolean')
    throw new ExpressionError(`\`${operator}\` needs true or false, not ${kindOf(value)}`);
  return value;
}

function asInteger(value: Value, operator: string): bigint {
  const whole = Math.trunc(asNumber(value, operator));
  if (!(Math.abs(whole) <= 2 ** 63)) throw new ExpressionError(`\`${operator}\` needs numbers of at most 64 bits`);
  return BigInt(whole);
}

function asText(value: Value): string {
  return Array.isArray(value) ? `[${value.map(asText).join(' ')}]` : String(value);
}

export function kindOf(value: Value): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return { number: 'a number', string: 'a text', boolean: 'true or false' }[typeof value as 'number'];
}

function burn(scope: Scope, steps: number): void {
  scope.fuel.left -= steps;
  if (scope.fuel.left < 0) throw new ExpressionError('the selection takes more steps than are allowed');
}

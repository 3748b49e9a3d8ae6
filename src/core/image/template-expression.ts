/**
 * What may stand in an action of a `varsTemplate`: fields, texts, whole numbers, true and false, functions and pipelines
 * of them, as Go's text/template has them; of its functions and those of Sprig the ones in template-functions.ts. Parsed once, then
 * evaluated for each kind of node; what cannot be evaluated (the length of a number, say) is an EvaluationError.
 */
import { EvaluationError, FUNCTIONS, KNOWN_FUNCTIONS, MOST_CHARACTERS, type Value } from './template-functions.ts';

export type Expression =
  | { readonly kind: 'value'; readonly value: Value }
  /** From the dot, from the root (`$`), or from what stands in parentheses. */
  | { readonly kind: 'field'; readonly of: 'dot' | 'root' | Expression; readonly path: readonly string[] }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Expression[] };

/** `at`: characters from the beginning of the action. */
export class ExpressionSyntaxError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

const MOST_DEPTH = 20;

const TOKEN =
  /\s*(?:(\(|\)|\|)|("(?:[^"\\\n]|\\.)*"|`[^`]*`)|(-?\d{1,15})(?![\w.])|(\$?(?:\.[A-Za-z_][\w-]*)+|\$|\.)|([A-Za-z]\w*))/y;

interface Token {
  readonly kind: 'mark' | 'text' | 'number' | 'path' | 'word';
  readonly text: string;
  readonly at: number;
}

/** Throws ExpressionSyntaxError. */
export function parseExpression(source: string): Expression {
  const tokens = tokensOf(source);
  let next = 0;
  const peek = (): Token | undefined => tokens[next];
  const endsHere = (): boolean => peek() === undefined || peek()?.text === ')' || peek()?.text === '|';

  const operand = (depth: number): Expression => {
    const token = tokens[next++];
    if (token === undefined) throw new ExpressionSyntaxError('something is missing here', source.length);
    if (token.kind === 'number') return { kind: 'value', value: Number(token.text) };
    if (token.kind === 'text') return { kind: 'value', value: unquoted(token) };
    if (token.kind === 'path') {
      const path = token.text.split('.').filter((each) => each !== '' && each !== '$');
      return { kind: 'field', of: token.text.startsWith('$') ? 'root' : 'dot', path };
    }
    if (token.text === 'true' || token.text === 'false') return { kind: 'value', value: token.text === 'true' };
    if (token.kind === 'word') return call(token, [], depth);
    if (token.text !== '(') throw new ExpressionSyntaxError(`${token.text} does not belong here`, token.at);
    const inner = pipeline(depth + 1);
    if (tokens[next++]?.text !== ')') throw new ExpressionSyntaxError('this parenthesis has no end', token.at);
    const field = peek();
    // Right behind it, without a blank: a field of what is in the parentheses.
    if (field?.kind !== 'path' || source[field.at - 1] !== ')' || field.text.length < 2) return inner;
    next += 1;
    return { kind: 'field', of: inner, path: field.text.split('.').filter((each) => each !== '') };
  };

  const call = (word: Token, given: readonly Expression[], depth: number): Expression => {
    const known = Object.hasOwn(FUNCTIONS, word.text) ? FUNCTIONS[word.text] : undefined;
    if (known === undefined) {
      throw new ExpressionSyntaxError(
        `there is no function ${word.text.slice(0, 40)} here; there are ${KNOWN_FUNCTIONS.join(', ')}`,
        word.at,
      );
    }
    const [least, most] = known;
    if (given.length < least || given.length > most) {
      const takes = least === most ? `${least}` : `${least} to ${most}`;
      throw new ExpressionSyntaxError(`${word.text} takes ${takes} values, not ${given.length}`, word.at);
    }
    if (depth > MOST_DEPTH) throw new ExpressionSyntaxError(`nested deeper than ${MOST_DEPTH} levels`, word.at);
    return { kind: 'call', name: word.text, arguments: given };
  };

  /** A function with what it is given, or one operand; `piped` comes last. */
  const command = (piped: Expression | null, depth: number): Expression => {
    const token = peek();
    if (token?.kind === 'word' && token.text !== 'true' && token.text !== 'false') {
      next += 1;
      const given: Expression[] = [];
      while (!endsHere()) given.push(operand(depth + 1));
      return call(token, piped === null ? given : [...given, piped], depth);
    }
    if (piped !== null) throw new ExpressionSyntaxError('a pipe leads to a function', token?.at ?? source.length);
    const only = operand(depth);
    if (!endsHere()) throw new ExpressionSyntaxError('this is no function, so nothing follows it', peek()!.at);
    return only;
  };

  const pipeline = (depth: number): Expression => {
    if (depth > MOST_DEPTH) throw new ExpressionSyntaxError(`nested deeper than ${MOST_DEPTH} levels`, 0);
    let made = command(null, depth);
    while (peek()?.text === '|') {
      next += 1;
      made = command(made, depth);
    }
    return made;
  };

  const whole = pipeline(0);
  const rest = peek();
  if (rest !== undefined) throw new ExpressionSyntaxError(`${rest.text} does not belong here`, rest.at);
  return whole;
}

function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = source.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(source);
    if (found === null) {
      throw new ExpressionSyntaxError(`this cannot be read: ${source.slice(from).trim().slice(0, 40)}`, from);
    }
    const [, mark, text, number, path, word] = found;
    const written = mark ?? text ?? number ?? path ?? word ?? '';
    const kind =
      mark !== undefined
        ? 'mark'
        : text !== undefined
          ? 'text'
          : number !== undefined
            ? 'number'
            : path !== undefined
              ? 'path'
              : 'word';
    tokens.push({ kind, text: written, at: TOKEN.lastIndex - written.length });
  }
  return tokens;
}

function unquoted({ text, at }: Token): string {
  if (text.startsWith('`')) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    throw new ExpressionSyntaxError(`this text cannot be read: ${text.slice(0, 40)}`, at);
  }
}

/** Throws EvaluationError. `step` is called for each function, and may throw to end it. */
export function evaluate(expression: Expression, dot: Value, root: Value, step: () => void): Value {
  switch (expression.kind) {
    case 'value':
      return expression.value;
    case 'field': {
      const { of } = expression;
      const from = of === 'dot' ? dot : of === 'root' ? root : evaluate(of, dot, root, step);
      return expression.path.reduce<Value>((value, key) => (value instanceof Map ? value.get(key) : undefined), from);
    }
    default: {
      step();
      const values = expression.arguments.map((each) => evaluate(each, dot, root, step));
      const value = FUNCTIONS[expression.name]![2](...values);
      if (typeof value === 'string' && value.length > MOST_CHARACTERS) throw new EvaluationError('too long');
      return value;
    }
  }
}

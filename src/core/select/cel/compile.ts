/**
 * One CEL expression, refused where it enters if it does not parse, names what there is not, has the wrong type, loops,
 * or is too large: each with its place in the option. What is left has no loop and no recursion, so that its work is
 * at most its size (LIMITS) times the size of a value (facts.ts): it needs no step counter while it runs.
 */
import type { ASTNode, Environment, ParseResult } from '@marcbachmann/cel-js';
import { invalid, type RainbowError } from '../../errors.ts';
import { createEnvironment, FIELDS, FUNCTIONS, LIMITS } from './environment.ts';

export interface Expression {
  readonly text: string;
  /** Does it look at the bid? */
  readonly usesBid: boolean;
  /** The value, or why there is none. */
  run(facts: Readonly<Record<string, unknown>>): { readonly value: unknown } | { readonly problem: string };
}

const MACROS = ['all', 'exists', 'exists_one', 'filter', 'map', 'bind'];
/** Made at the first use: it takes some milliseconds. */
let environment: Environment | null = null;

/** `types`: what it may give, as CEL calls it; `dyn` (not known before it runs) is always allowed. */
export function compileExpression(option: string, text: string, types: readonly string[]): Expression {
  if (text.length > LIMITS.characters) {
    throw invalid(option, `longer than ${LIMITS.characters} characters, which is the limit`);
  }
  environment ??= createEnvironment();
  const parsed = parse(environment, option, text);
  const names = new Set<string>();
  look(parsed.ast, option, text, names);
  const { valid, type = 'dyn', error } = parsed.check();
  if (!valid) throw refused(option, text, error);
  if (type !== 'dyn' && !types.some((each) => type === each || type.startsWith(`${each}<`))) {
    throw placed(option, text, 0, `gives ${type}, but ${types.join(' or ')} is needed`);
  }
  return { text, usesBid: names.has('bid'), run: (facts) => attempt(parsed, facts) };
}

function parse(environment: Environment, option: string, text: string): ParseResult {
  try {
    return environment.parse(text);
  } catch (error) {
    throw refused(option, text, error);
  }
}

/** Every node: only functions and fields that there are, and no macro that loops or binds. */
function look(node: ASTNode, option: string, text: string, names: Set<string>): void {
  const { op, args } = node as { op: string; args: unknown };
  const at = node.range.start;
  if (op === 'id') names.add(args as string);
  if (op === 'call' || op === 'rcall')
    checkFunction((args as [string])[0], op, (problem) => placed(option, text, at, problem));
  if (op === '.' || op === '[]') checkField(args as [ASTNode, unknown], (problem) => placed(option, text, at, problem));
  for (const each of nodesIn(args)) look(each, option, text, names);
}

function checkFunction(name: string, op: 'call' | 'rcall', wrong: (problem: string) => RainbowError): void {
  if (FUNCTIONS.includes(name)) return;
  if (op === 'rcall' && MACROS.includes(name)) {
    throw wrong(`\`${name}\` is not allowed: an expression may not loop; \`in\` looks for a value in a list`);
  }
  const instead = name === 'matches' ? '; use contains, startsWith or endsWith' : `; there are ${FUNCTIONS.join(', ')}`;
  throw wrong(`there is no function \`${name.slice(0, 40)}\`${instead}`);
}

/** `has(job.nope)` is no error to CEL, but here it can only be a slip. */
function checkField([receiver, key]: [ASTNode, unknown], wrong: (problem: string) => RainbowError): void {
  if (receiver.op !== 'id' || !Object.hasOwn(FIELDS, receiver.args)) return;
  const fields = Object.keys(FIELDS[receiver.args as keyof typeof FIELDS]);
  const literal = typeof key === 'string' ? key : (key as ASTNode).op === 'value' ? (key as ASTNode).args : null;
  if (typeof literal === 'string' && fields.includes(literal)) return;
  const what = typeof literal === 'string' ? `no field \`${literal.slice(0, 40)}\`` : 'no such field';
  throw wrong(`\`${receiver.args}\` has ${what}; it has ${fields.join(', ')}`);
}

function nodesIn(args: unknown): readonly ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(nodesIn);
  const isNode = typeof args === 'object' && args !== null && 'op' in args && 'range' in args;
  return isNode ? [args as ASTNode] : [];
}

function refused(option: string, text: string, error: unknown): RainbowError {
  const { summary, range, message } = error as { summary?: string; range?: { start: number }; message?: string };
  const said = (summary ?? message ?? 'cannot be read').slice(0, 200);
  const known = said.startsWith('Unknown variable')
    ? `; there are ${[...Object.keys(FIELDS), 'state'].join(', ')}`
    : '';
  return placed(option, text, range?.start ?? 0, `${said}${known}`);
}

function placed(option: string, text: string, offset: number, problem: string): RainbowError {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return invalid(`${option} (line ${line}, column ${offset - before.lastIndexOf('\n')})`, problem);
}

function attempt(parsed: ParseResult, facts: Readonly<Record<string, unknown>>): ReturnType<Expression['run']> {
  try {
    return { value: parsed({ ...facts }) as unknown };
  } catch (error) {
    const { summary, message } = error as { summary?: string; message?: string };
    return { problem: (summary ?? message ?? 'it failed').slice(0, 120) };
  }
}

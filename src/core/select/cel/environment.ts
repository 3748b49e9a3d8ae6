/**
 * The names that a CEL expression may use (docs/bidding.md lists them) and the arithmetic between whole numbers and
 * others, which CEL itself leaves out: every number of ours is a double, while `2` in an expression is an int.
 */
import { Environment } from '@marcbachmann/cel-js';

/** Fields by name of the variable; `state` and `job.parameters` have whatever was reported or submitted. */
export const FIELDS = {
  cluster: { name: 'string' },
  match: { startable: 'bool' },
  bid: {
    offered: 'bool',
    wait: 'double',
    wait_p90: 'double',
    end: 'double',
    end_p90: 'double',
    cost: 'double',
    currency: 'string',
    corrected: 'bool',
  },
  job: {
    walltime: 'double',
    priority: 'double',
    waited: 'double',
    deadline: 'double',
    parameters: 'map<string, dyn>',
  },
} as const;

/** Bounds of one expression: what there is to do in it is at most its size times the size of a value (facts.ts). */
export const LIMITS = { characters: 4_000, nodes: 400, depth: 32 } as const;

/** Functions that do work in proportion to what they are given, once. Macros that loop are none of them. */
export const FUNCTIONS: readonly string[] = [
  'has',
  'size',
  'contains',
  'startsWith',
  'endsWith',
  'lowerAscii',
  'upperAscii',
  'trim',
  'int',
  'double',
  'string',
  'bool',
  'dyn',
  'min',
  'max',
  'abs',
  'floor',
  'ceil',
];

type Number_ = number | bigint;

export function createEnvironment(): Environment {
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: LIMITS.nodes, maxDepth: LIMITS.depth, maxListElements: 32, maxMapEntries: 32 },
  });
  for (const [name, schema] of Object.entries(FIELDS)) environment.registerVariable({ name, schema: { ...schema } });
  environment.registerVariable('state', 'map<string, dyn>');
  const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
    '%': (a, b) => a % b,
  };
  for (const [operator, apply] of Object.entries(arithmetic)) {
    const mixed = (a: Number_, b: Number_): number => apply(Number(a), Number(b));
    environment.registerOperator(`int ${operator} double: double`, mixed);
    environment.registerOperator(`double ${operator} int: double`, mixed);
  }
  environment.registerOperator('double % double: double', (a: number, b: number) => a % b);
  environment.registerOperator('double == int: bool', (a: number, b: bigint) => a === Number(b));
  environment.registerFunction('min(dyn, dyn): double', (x: unknown, y: unknown) => Math.min(num(x), num(y)));
  environment.registerFunction('max(dyn, dyn): double', (x: unknown, y: unknown) => Math.max(num(x), num(y)));
  for (const [name, apply] of [
    ['abs', Math.abs],
    ['floor', Math.floor],
    ['ceil', Math.ceil],
  ] as const) {
    environment.registerFunction(`${name}(dyn): double`, (x: unknown) => apply(num(x)));
  }
  return environment;
}

function num(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  throw new TypeError('is no number');
}

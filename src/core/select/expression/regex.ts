/**
 * Regular expressions whose time is linear in the text: a subset of RE2's syntax run as a set of states (Thompson),
 * so no pattern can stall a server. In it: literals, `.`, classes, \d \w \s \b, groups, `|`, `*` `+` `?` `{n,m}`,
 * `^` `$`, and (?i) (?s) at the start. Not in it: back references, look-around, \p, named classes.
 * Matches anywhere in the text unless anchored.
 */
import { ExpressionError } from './error.ts';
import { parseRegex } from './regex-parse.ts';
import type { CharacterSet, RegexNode } from './regex-parse.ts';

const MOST_STATES = 1000;

export interface Regex {
  /** Number of states: a test costs at most this times the length of the text. */
  readonly size: number;
  test(text: string): boolean;
}

type Instruction =
  | { readonly op: 'set'; readonly set: CharacterSet }
  | { readonly op: 'split'; readonly to: readonly number[] }
  | { readonly op: 'assert'; readonly what: 'start' | 'end' | 'word' | 'inside' }
  | { readonly op: 'match' };

/** What is wrong with the pattern; null where nothing is. */
export function isRegex(pattern: string): string | null {
  try {
    compileRegex(pattern);
    return null;
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

/** Throws ExpressionError. */
export function compileRegex(pattern: string): Regex {
  const { node, ignoreCase } = parseRegex(pattern);
  const program: Instruction[] = [];
  emit(node, program);
  program.push({ op: 'match' });
  return { size: program.length, test: (text) => run(program, Array.from(text), ignoreCase) };
}

function emit(node: RegexNode, program: Instruction[]): void {
  if (program.length > MOST_STATES) throw new ExpressionError('the regular expression is too large');
  switch (node.kind) {
    case 'set':
      program.push({ op: 'set', set: node.set });
      return;
    case 'assert':
      program.push({ op: 'assert', what: node.what });
      return;
    case 'sequence':
      for (const item of node.items) emit(item, program);
      return;
    case 'either':
      emitEither(node.items, program);
      return;
    case 'repeat':
      emitRepeat(node, program);
      return;
    default:
      node satisfies never;
  }
}

function emitEither(items: readonly RegexNode[], program: Instruction[]): void {
  const ends: number[] = [];
  items.forEach((item, index) => {
    const split = program.length;
    const last = index === items.length - 1;
    if (!last) program.push({ op: 'split', to: [] });
    emit(item, program);
    if (last) return;
    ends.push(program.length);
    program.push({ op: 'split', to: [] });
    program[split] = { op: 'split', to: [split + 1, program.length] };
  });
  for (const end of ends) program[end] = { op: 'split', to: [program.length] };
}

function emitRepeat({ item, least, most }: RegexNode & { kind: 'repeat' }, program: Instruction[]): void {
  for (let i = 0; i < least; i++) {
    const before = program.length;
    emit(item, program);
    // Nothing repeated is nothing: without this, nested repetitions of an empty group would cost their product.
    if (program.length === before) return;
  }
  if (most === Infinity) {
    const split = program.length;
    program.push({ op: 'split', to: [] });
    emit(item, program);
    program.push({ op: 'split', to: [split] });
    program[split] = { op: 'split', to: [split + 1, program.length] };
    return;
  }
  const splits: number[] = [];
  for (let i = least; i < most; i++) {
    splits.push(program.length);
    program.push({ op: 'split', to: [] });
    emit(item, program);
  }
  for (const split of splits) program[split] = { op: 'split', to: [split + 1, program.length] };
}

function run(program: readonly Instruction[], text: readonly string[], ignoreCase: boolean): boolean {
  let states: number[] = [];
  // The position at which a state was last added: each is visited once for each character.
  const seen = new Int32Array(program.length).fill(-1);
  for (let i = 0; i <= text.length; i++) {
    const now = new Set<number>();
    for (const state of [...states, 0]) follow(program, state, text, i, seen, now);
    states = [];
    for (const state of now) {
      const instruction = program[state]!;
      if (instruction.op === 'match') return true;
      if (instruction.op === 'set' && i < text.length && has(instruction.set, text[i]!, ignoreCase)) {
        states.push(state + 1);
      }
    }
  }
  return false;
}

/** Adds the states reachable without taking a character. */
function follow(
  program: readonly Instruction[],
  from: number,
  text: readonly string[],
  at: number,
  seen: Int32Array,
  found: Set<number>,
): void {
  const stack = [from];
  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    if (seen[state] === at) continue;
    seen[state] = at;
    const instruction = program[state]!;
    if (instruction.op === 'split') stack.push(...instruction.to);
    else if (instruction.op === 'assert') {
      if (holds(instruction.what, text, at)) stack.push(state + 1);
    } else found.add(state);
  }
}

function holds(what: 'start' | 'end' | 'word' | 'inside', text: readonly string[], at: number): boolean {
  if (what === 'start') return at === 0;
  if (what === 'end') return at === text.length;
  const boundary = isWord(text[at - 1]) !== isWord(text[at]);
  return what === 'word' ? boundary : !boundary;
}

function isWord(c: string | undefined): boolean {
  return c !== undefined && /^\w$/.test(c);
}

function has(set: CharacterSet, c: string, ignoreCase: boolean): boolean {
  if (!ignoreCase) return contains(set, c);
  const found = [c, c.toLowerCase(), c.toUpperCase()].some((each) => contains({ ...set, negated: false }, each));
  return found !== set.negated;
}

function contains({ ranges, negated }: CharacterSet, c: string): boolean {
  const code = c.codePointAt(0)!;
  return ranges.some(([first, last]) => code >= first && code <= last) !== negated;
}

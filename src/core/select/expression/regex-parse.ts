/** The syntax of `regex.ts`: a pattern to a tree. */
import { ExpressionError } from './error.ts';

export interface CharacterSet {
  /** Code points, first and last. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly negated: boolean;
}

export type RegexNode =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'assert'; readonly what: 'start' | 'end' | 'word' | 'inside' }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'either'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly item: RegexNode; readonly least: number; readonly most: number };

type Ranges = readonly (readonly [number, number])[];

const LONGEST = 512;
const MOST_NESTING = 32;
const MOST_REPEATS = 200;
const DIGIT: Ranges = [[48, 57]];
const WORD: Ranges = [...DIGIT, [65, 90], [95, 95], [97, 122]];
const SPACE: Ranges = [
  [9, 10],
  [12, 13],
  [32, 32],
];
const CLASSES: Readonly<Record<string, Ranges>> = { d: DIGIT, w: WORD, s: SPACE };
const CONTROLS: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11 };

export function parseRegex(pattern: string): { readonly node: RegexNode; readonly ignoreCase: boolean } {
  if (pattern.length > LONGEST) throw new ExpressionError(`a regular expression has at most ${LONGEST} characters`);
  const flags = /^\(\?([is]+)\)/.exec(pattern);
  const body = flags === null ? pattern : pattern.slice(flags[0].length);
  const parser = new RegexParser(Array.from(body), flags?.[1]?.includes('s') ?? false);
  return { node: parser.whole(), ignoreCase: flags?.[1]?.includes('i') ?? false };
}

class RegexParser {
  private readonly text: readonly string[];
  private readonly dotAll: boolean;
  private at = 0;
  private nesting = 0;

  constructor(text: readonly string[], dotAll: boolean) {
    this.text = text;
    this.dotAll = dotAll;
  }

  whole(): RegexNode {
    const node = this.either();
    if (this.at < this.text.length) throw new ExpressionError('a parenthesis of the regular expression is not opened');
    return node;
  }

  private either(): RegexNode {
    const items = [this.sequence()];
    while (this.takes('|')) items.push(this.sequence());
    return items.length === 1 ? items[0]! : { kind: 'either', items };
  }

  private sequence(): RegexNode {
    const items: RegexNode[] = [];
    for (let c = this.text[this.at]; c !== undefined && c !== '|' && c !== ')'; c = this.text[this.at]) {
      items.push(this.repeat(this.atom()));
    }
    return { kind: 'sequence', items };
  }

  private repeat(item: RegexNode): RegexNode {
    const [least, most] = this.bounds() ?? [1, 1];
    if (least === 1 && most === 1) return item;
    // Lazy or not makes no difference to whether there is a match.
    this.takes('?');
    if (this.bounds() !== null) throw new ExpressionError('a repetition of the regular expression is repeated');
    return { kind: 'repeat', item, least, most };
  }

  private bounds(): readonly [number, number] | null {
    if (this.takes('*')) return [0, Infinity];
    if (this.takes('+')) return [1, Infinity];
    if (this.takes('?')) return [0, 1];
    const found = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/.exec(this.text.slice(this.at, this.at + 12).join(''));
    if (found === null) return null;
    this.at += found[0].length;
    const least = Number(found[1]);
    const most = found[2] === undefined ? least : found[3] === undefined ? Infinity : Number(found[3]);
    if (most < least || least > MOST_REPEATS || (most !== Infinity && most > MOST_REPEATS)) {
      throw new ExpressionError(`a repetition of the regular expression goes from 0 to at most ${MOST_REPEATS}`);
    }
    return [least, most];
  }

  private atom(): RegexNode {
    const c = this.text[this.at++]!;
    if (c === '.') return set(this.dotAll ? [] : [[10, 10]], true);
    if (c === '^') return { kind: 'assert', what: 'start' };
    if (c === '$') return { kind: 'assert', what: 'end' };
    if (c === '[') return this.brackets();
    if (c === '(') return this.group();
    if (c === '\\') return this.escape();
    if ('*+?'.includes(c)) throw new ExpressionError(`nothing stands before ${c} in the regular expression`);
    return literal(c);
  }

  private group(): RegexNode {
    this.nesting += 1;
    if (this.nesting > MOST_NESTING) throw new ExpressionError('the regular expression is nested too deeply');
    if (this.takes('?') && !this.takes(':')) {
      throw new ExpressionError('of (?…) the regular expression may have only (?:…), and (?i) or (?s) at its start');
    }
    const node = this.either();
    if (!this.takes(')')) throw new ExpressionError('a parenthesis of the regular expression is not closed');
    this.nesting -= 1;
    return node;
  }

  private escape(): RegexNode {
    const c = this.text[this.at++];
    if (c === undefined) throw new ExpressionError('the regular expression ends in a backslash');
    if (c === 'b') return { kind: 'assert', what: 'word' };
    if (c === 'B') return { kind: 'assert', what: 'inside' };
    if (c === 'A') return { kind: 'assert', what: 'start' };
    if (c === 'z') return { kind: 'assert', what: 'end' };
    const ranges = CLASSES[c.toLowerCase()];
    if (ranges !== undefined) return set(ranges, c !== c.toLowerCase());
    const code = escaped(c);
    return set([[code, code]], false);
  }

  private brackets(): RegexNode {
    const negated = this.takes('^');
    const ranges: (readonly [number, number])[] = [];
    for (let first = true; ; first = false) {
      const c = this.text[this.at];
      if (c === undefined) throw new ExpressionError('a bracket of the regular expression is not closed');
      if (c === ']' && !first) break;
      if (c === '[' && this.text[this.at + 1] === ':') throw new ExpressionError('named classes are not supported');
      const from = this.member(ranges);
      if (from === null) continue;
      if (this.text[this.at] !== '-' || [undefined, ']'].includes(this.text[this.at + 1])) {
        ranges.push([from, from]);
        continue;
      }
      this.at += 1;
      const to = this.member(ranges);
      if (to === null || to < from)
        throw new ExpressionError('a range in the regular expression ends before it begins');
      ranges.push([from, to]);
    }
    this.at += 1;
    return set(ranges, negated);
  }

  /** A character's code; null for a class such as \d, which is added to `ranges`. */
  private member(ranges: (readonly [number, number])[]): number | null {
    const c = this.text[this.at++]!;
    if (c !== '\\') return c.codePointAt(0)!;
    const next = this.text[this.at++];
    if (next === undefined) throw new ExpressionError('the regular expression ends in a backslash');
    const named = CLASSES[next];
    if (named === undefined) return escaped(next);
    ranges.push(...named);
    return null;
  }

  private takes(c: string): boolean {
    if (this.text[this.at] !== c) return false;
    this.at += 1;
    return true;
  }
}

function escaped(c: string): number {
  const control = CONTROLS[c];
  if (control !== undefined) return control;
  if (/[\p{L}\p{N}]/u.test(c)) throw new ExpressionError(`\\${c} is not supported in a regular expression`);
  return c.codePointAt(0)!;
}

function literal(c: string): RegexNode {
  const code = c.codePointAt(0)!;
  return set([[code, code]], false);
}

function set(ranges: Ranges, negated: boolean): RegexNode {
  return { kind: 'set', set: { ranges, negated } };
}

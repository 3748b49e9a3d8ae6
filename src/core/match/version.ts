/**
 * Versions and ranges of `requires` (prototype semantics 4.1, semver 2 with leniency): optional `v`, one to three
 * numeric parts, pre-release, build. Bounds are inclusive; a partial upper bound covers its branch (`0.5` admits
 * 0.5.9); a pre-release counts only where the bound has one (kernel `5.4.0-91-generic` is at least `5.4`).
 * Whatever does not parse matches nothing.
 */
import type { Scalar } from '../jobspec/jobspec.ts';

interface Version {
  /** As written: one to three runs of digits, without leading zeros. */
  readonly parts: readonly string[];
  readonly prerelease: readonly string[];
}

const form = /^[vV]?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;

/** Is a metadata value within inclusive bounds? Two JSON numbers compare as numbers, all else as versions. */
export function isWithin(value: unknown, min: Scalar | null, max: Scalar | null): boolean {
  return (min === null || compares(value, min, 1)) && (max === null || compares(value, max, -1));
}

/** `sign` 1: value ≥ bound; −1: value ≤ bound. */
function compares(value: unknown, bound: Scalar, sign: 1 | -1): boolean {
  if (typeof value === 'number' && bound.number !== null) return (value - bound.number) * sign >= 0;
  const version = parse(textOf(value));
  const limit = parse(bound.text);
  if (version === null || limit === null) return false;
  return compare(version, limit, sign === -1) * sign >= 0;
}

/** A metadata value as text: a string as it is, anything else as JSON. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function parse(text: string): Version | null {
  const found = form.exec(text.trim());
  if (found === null) return null;
  const parts: string[] = [];
  for (const part of found.slice(1, 4)) {
    if (part !== undefined) parts.push(part.replace(/^0+(?=\d)/, ''));
  }
  return { parts, prerelease: found[4] === undefined ? [] : found[4].split('.') };
}

/** Negative, zero or positive. `branch`: parts that the bound does not name are not compared. */
function compare(version: Version, bound: Version, branch: boolean): number {
  for (let i = 0; i < 3; i++) {
    if (branch && bound.parts[i] === undefined) return 0;
    const order = compareDigits(version.parts[i] ?? '0', bound.parts[i] ?? '0');
    if (order !== 0) return order;
  }
  if (bound.prerelease.length === 0) return 0;
  return comparePrerelease(version.prerelease, bound.prerelease);
}

/** semver 2, rule 11: none is above any; numeric below textual; fewer fields below more. */
function comparePrerelease(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0) return 1;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const left = a[i];
    const right = b[i];
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    const leftNumeric = /^\d+$/.test(left);
    const rightNumeric = /^\d+$/.test(right);
    if (leftNumeric !== rightNumeric) return leftNumeric ? -1 : 1;
    const order = leftNumeric ? compareDigits(left, right) : compareText(left, right);
    if (order !== 0) return order;
  }
  return 0;
}

/** Runs of digits of any length, as numbers. */
function compareDigits(a: string, b: string): number {
  const left = a.replace(/^0+(?=\d)/, '');
  const right = b.replace(/^0+(?=\d)/, '');
  return left.length - right.length || compareText(left, right);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

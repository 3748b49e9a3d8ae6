/** `--env` and `--env-remove`: rules about variables, in the order in which they stand. */
import type { JsonMap } from '../draft.ts';
import { jsonMap } from '../draft.ts';
import type { Given } from '../getopt.ts';
import type { Report } from '../report.ts';

export function readRules(
  given: readonly Given[],
  submitter: Readonly<Record<string, string | undefined>>,
  report: Report,
): JsonMap {
  const environment = jsonMap();
  for (const { key, value, what, ...at } of given) {
    const rule = value ?? '';
    if (key === 'env-remove' || rule.startsWith('-')) {
      const pattern = key === 'env-remove' ? rule : rule.slice(1);
      const test = matcher(pattern);
      if (test === null) report.dropped(at, what, 'a regular expression is not read; write a pattern with * and ?');
      else {
        for (const name of Object.keys(environment)) if (test(name)) delete environment[name];
        report.kept(at, what, 'nothing of the submitter’s that is not named');
      }
      continue;
    }
    const equals = rule.indexOf('=');
    if (rule.startsWith('^')) report.dropped(at, what, 'a file with rules is not read; name variables here');
    else if (equals < 0) takeOver(rule, environment, submitter, at, what, report);
    else if (/\$|\{\{/.test(rule.slice(equals + 1))) {
      report.dropped(at, what, 'a value with $ or {{ is expanded by Flux alone; write it out');
    } else if (!/^[A-Za-z_]\w*$/.test(rule.slice(0, equals))) {
      report.dropped(at, what, 'that cannot be the name of a variable');
    } else {
      environment[rule.slice(0, equals)] = rule.slice(equals + 1);
      report.kept(at, what, `the variable ${rule.slice(0, equals)}`);
    }
  }
  return environment;
}

function takeOver(
  pattern: string,
  environment: JsonMap,
  submitter: Readonly<Record<string, string | undefined>>,
  at: { line: number; column: number },
  what: string,
  report: Report,
): void {
  const test = pattern === '*' ? null : matcher(pattern);
  if (pattern === '*') {
    report.noted(at, what, 'of the submitter’s variables only named ones go along');
    return;
  }
  if (test === null) {
    report.dropped(at, what, 'a regular expression is not read; write a pattern with * and ?');
    return;
  }
  let found = 0;
  for (const [name, value] of Object.entries(submitter)) {
    if (value === undefined || !test(name)) continue;
    environment[name] = value;
    found += 1;
  }
  report.kept(at, what, `${found} of the submitter’s variables`);
}

/** A shell pattern of *, ? and plain characters; null for a regular expression. */
function matcher(pattern: string): ((name: string) => boolean) | null {
  if (pattern.startsWith('/') || pattern.length > 200 || /[[\]{}]/.test(pattern)) return null;
  return (name) => matches(pattern, name);
}

/** Greedy with one point to come back to: linear but for what a `*` may take again. */
function matches(pattern: string, name: string): boolean {
  let p = 0;
  let star = -1;
  let resume = 0;
  for (let n = 0; n < name.length;) {
    if (pattern[p] === '?' || (pattern[p] !== '*' && pattern[p] === name[n])) {
      p += 1;
      n += 1;
    } else if (pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

/** The table of docs/kubernetes-jobs.md is what is done: every field, its line in the report, and what is in the way. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { NO_CONTEXT } from '../context.ts';
import { obstacles, type ReportLine } from '../report.ts';
import { readKubernetes } from './read.ts';
import { jobWith, SAMPLES } from './testing/fields.ts';

const guide = readFileSync(new URL('../../../../docs/kubernetes-jobs.md', import.meta.url), 'utf8');

interface Row {
  readonly path: string;
  readonly outcome: string;
}

/** Under a heading that names where they are: `field` | outcome | in words. */
function rows(): readonly Row[] {
  let place = '';
  const found: Row[] = [];
  for (const line of guide.split('\n')) {
    const heading = /^## .*`(.+)`/.exec(line);
    if (heading !== null) place = heading[1]!;
    const [, fields, outcome] = /^\| (`.+?) \| (.+?) \|/.exec(line) ?? [];
    for (const [, field] of (fields ?? '').matchAll(/`([^`]+)`/g))
      found.push({ path: `${place}.${field}`, outcome: outcome! });
  }
  return found;
}

function read(path: string): readonly ReportLine[] {
  const { jobs } = readKubernetes(JSON.stringify(jobWith(path, SAMPLES[path]!)), NO_CONTEXT);
  return jobs[0]!.report.filter(
    ({ what }) => what === path || what.startsWith(`${path}.`) || what.startsWith(`${path}[`),
  );
}

const WORDS: Readonly<Record<string, string>> = { carried: 'only kept' };

describe('fields of a Job', () => {
  test('each is in the table once', () => {
    expect(
      rows()
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(Object.keys(SAMPLES).toSorted());
  });

  test.each(rows())('$path: $outcome', ({ path, outcome }) => {
    const lines = read(path);
    const said = [...new Set(lines.map((each) => WORDS[each.outcome] ?? each.outcome))].join(', ') || 'nothing said';
    expect(obstacles(lines).length > 0 ? `${said}, refused` : said).toBe(outcome);
    for (const { line, column } of lines) expect([line, column]).not.toContain(null);
  });
});

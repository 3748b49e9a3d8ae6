/** A script inside a command, run for real: what it is given, by whom, and what is left of it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { carried, carriedWithin, carry, MOST_SCRIPT } from './carrier.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function run(script: string, args: readonly string[] = [], jobDir = true, more: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'carrier-'));
  folders.push(folder);
  const [program = '', ...rest] = carry({ script, name: 'my job.sh', args });
  const env = { PATH: process.env['PATH'], ...(jobDir ? { RAINBOW_JOB_DIR: folder } : { TMPDIR: folder }), ...more };
  const { status, signal, stdout, stderr } = spawnSync(program, rest, { env, encoding: 'utf8' });
  return { status, signal, stdout, stderr, left: readdirSync(folder) };
}

describe('a carried script', () => {
  test('is run by the interpreter of its first line, with its arguments, name and status', () => {
    const script = '#!/bin/sh -eu\necho "$# $1 ${0##*/} $-"\nexit 7\n';
    expect(run(script, ['a b', '-n', ''])).toMatchObject({
      status: 7,
      stdout: expect.stringMatching(/^3 a b my_job\.sh [a-z]*e[a-z]*u?/),
    });
  });

  test('by bash, where that stands there', () => {
    expect(run('#!/bin/bash\n[[ abc == a* ]] && echo "${BASH_VERSION:+bash}"').stdout).toBe('bash\n');
  });

  test('has nothing of the carrier among its variables', () => {
    expect(run('#!/bin/sh\nenv | grep -c "^rb_"; umask').stdout).toBe(`0\n${run('#!/bin/sh\numask\n').stdout}`);
  });

  test.each([['it\'s\n$HOME `id` \\ \\n % %s "\n'], ['ü€😀\n'.repeat(2000)], [`${'x'.repeat(70_000)}\n`]])(
    'keeps every character: %.10j',
    (text) => {
      const { stdout, status } = run(`#!/bin/cat\n${text}`);
      expect(status).toBe(0);
      expect(stdout).toBe(`#!/bin/cat\n${text}`);
    },
  );

  test('may be large: Linux takes no argument of more than 128 KiB', () => {
    const script = `#!/bin/sh\n${'# a line of a comment\n'.repeat(10_000)}echo end\n`;
    expect(script.length).toBeGreaterThan(200_000);
    expect(script.length).toBeLessThan(MOST_SCRIPT);
    expect(run(script).stdout).toBe('end\n');
  });

  test('leaves nothing behind where nobody cleans up after the job', () => {
    expect(run('#!/bin/sh\nexit 3\n', [], false)).toMatchObject({ status: 3, left: [] });
    expect(run('#!/bin/sh\nexit 3\n', [], true).left).toHaveLength(1);
  });

  test('without an interpreter: 127 or 126, and who was missing', () => {
    expect(run('#!/no/such/shell\n')).toMatchObject({ status: 127, stderr: expect.stringContaining('/no/such/shell') });
  });

  test('outside of what starts its interpreter it becomes a file of the job', () => {
    const script = `#!/bin/sh -u\n${'# é😀\n'.repeat(20_000)}printf '<%s>' "\${0##*/}" "$@"\n`;
    const folder = mkdtempSync(join(tmpdir(), 'rainbow-within-'));
    try {
      for (const args of [[], ['', 'a b', "c'd", '--']]) {
        const words = carriedWithin(['/usr/bin/env', '--', 'A=1 2'], carry({ script, name: 'a.sh', args }))!;
        const { status, stdout } = spawnSync(words[0]!, words.slice(1), {
          env: { RAINBOW_JOB_DIR: folder, PATH: '/none' },
          encoding: 'utf8',
        });
        expect([status, stdout]).toEqual([0, ['a.sh', ...args].map((each) => `<${each}>`).join('')]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(carriedWithin(['env'], ['/bin/sh', '-c', 'echo'])).toBeNull();
  });

  test('comes out again as it went in', () => {
    const it = { script: `#!/bin/sh\n${'é😀'.repeat(40_000)}`, name: 'a.sh', args: ['1', 'b c'] };
    expect(carried(carry(it))).toEqual(it);
    expect(carried(['/bin/sh', '-c', 'echo'])).toBeNull();
  });
});

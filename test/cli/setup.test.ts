/** scripts/setup.mjs on a checkout of its own, with an npm that only notes how it was called. */
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root, runChild, temporaryFolder } from './command-line.ts';

interface Checkout {
  readonly place: string;
  readonly setup: () => ReturnType<typeof runChild>;
  /** The folders that npm was called in, relative to the checkout. */
  readonly npmCalls: () => string[];
}

function checkout(npm = 'mkdir -p node_modules'): Checkout {
  const place = temporaryFolder();
  mkdirSync(join(place, 'scripts'));
  mkdirSync(join(place, 'runtime'));
  cpSync(join(root, 'scripts', 'setup.mjs'), join(place, 'scripts', 'setup.mjs'));
  const lock = (packages: object) => JSON.stringify({ packages: { '': {}, ...packages } });
  writeFileSync(join(place, 'package-lock.json'), lock({ 'node_modules/a': { version: '1.0.0' } }));
  writeFileSync(join(place, 'runtime', 'package-lock.json'), lock({}));
  const bin = join(temporaryFolder(), 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho "$PWD $*" >> '${place}/calls'\n${npm}\n`);
  chmodSync(join(bin, 'npm'), 0o755);
  symlinkSync(process.execPath, join(bin, 'node'));
  const { npm_execpath: _, ...rest } = process.env as Record<string, string>;
  const env = { ...rest, PATH: `${bin}:/usr/bin:/bin` };
  return {
    place,
    setup: () => runChild(join(bin, 'node'), [join(place, 'scripts', 'setup.mjs')], { env }),
    npmCalls: () =>
      existsSync(join(place, 'calls'))
        ? readFileSync(join(place, 'calls'), 'utf8')
            .trim()
            .split('\n')
            .map((line) => line.replace(place, '.'))
        : [],
  };
}

describe('set-up', () => {
  test('installs once, then does nothing until the lock file changes', async () => {
    const { place, setup, npmCalls } = checkout();
    const first = await setup();
    expect(first.code).toBe(0);
    expect(first.stderr).toContain('installing packages …');
    expect(npmCalls()).toHaveLength(1);
    expect(npmCalls()[0]).toMatch(/^\. install --no-save --include=dev/);

    const second = await setup();
    expect(second).toMatchObject({ code: 0, stdout: '' });
    expect(second.stderr).not.toContain('installing');
    expect(npmCalls()).toHaveLength(1);

    writeFileSync(
      join(place, 'package-lock.json'),
      JSON.stringify({ packages: { '': {}, 'node_modules/b': { version: '2.0.0' } } }),
    );
    await setup();
    expect(npmCalls()).toHaveLength(2);
  });

  test('what somebody installed by hand counts, if it is what the lock file says', async () => {
    const { place, setup, npmCalls } = checkout();
    const put = (version: string) => {
      mkdirSync(join(place, 'node_modules', 'a'), { recursive: true });
      writeFileSync(
        join(place, 'node_modules', '.package-lock.json'),
        JSON.stringify({ packages: { 'node_modules/a': { version } } }),
      );
    };
    put('0.9.0');
    await setup();
    expect(npmCalls()).toHaveLength(1);

    const other = checkout();
    mkdirSync(join(other.place, 'node_modules', 'a'), { recursive: true });
    writeFileSync(
      join(other.place, 'node_modules', '.package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } }),
    );
    await other.setup();
    expect(other.npmCalls()).toHaveLength(0);
  });

  test('two at once install once', async () => {
    const { setup, npmCalls } = checkout('sleep 0.5; mkdir -p node_modules');
    const outcomes = await Promise.all([setup(), setup()]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    expect(npmCalls()).toHaveLength(1);
  });

  test('a failure tells npm’s own words, and is tried again', async () => {
    const { setup, npmCalls } = checkout('echo "no such registry" >&2; exit 1');
    const outcome = await setup();
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('no such registry');
    await setup();
    expect(npmCalls()).toHaveLength(2);
  });

  test('which Node is new enough', async () => {
    const { isNewEnough } = (await import(join(root, 'scripts', 'setup.mjs'))) as {
      isNewEnough: (version: string) => boolean;
    };
    expect(['v24.7.0', 'v24.21.0', 'v25.0.0'].map(isNewEnough)).toEqual([true, true, true]);
    expect(['v24.6.0', 'v20.20.2', 'v18.0.0'].map(isNewEnough)).toEqual([false, false, false]);
  });
});

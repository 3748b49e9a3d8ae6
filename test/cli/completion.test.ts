/** Shell completion: what is suggested, and the script in a real shell. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { homeIn, launcher, rainbow, runChild, temporaryFolder } from './command-line.ts';

async function complete(...words: string[]): Promise<string[]> {
  const { code, stdout } = await rainbow(['complete', '--', ...words]);
  expect(code).toBe(0);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '');
}

describe('suggestions', () => {
  test('commands and subcommands', async () => {
    expect(await complete('su')).toEqual(['submit']);
    expect(await complete('job', '')).toEqual(['show', 'wait', 'logs', 'fetch', 'events', 'hold', 'release', 'cancel']);
    expect(await complete('--json', 'graph', 'g')).toEqual(['generate']);
    expect(await complete('')).not.toContain('complete');
  });

  test('options: the command’s own and those of every command, long and short', async () => {
    expect(await complete('submit', '--on')).toEqual(['--on-cluster-loss']);
    expect(await complete('jobs', '--js')).toEqual(['--json']);
    expect(await complete('submit', '-')).toEqual(expect.arrayContaining(['-n', '--nodes', '--host']));
  });

  test('values: choices, also after an equals sign; files', async () => {
    expect(await complete('submit', '--on-cluster-loss', 'r')).toEqual(['requeue']);
    expect(await complete('submit', '--on-cluster-loss=r')).toEqual(['--on-cluster-loss=requeue']);
    expect(await complete('jobs', '--state', '=', 'run')).toEqual(['running']);
    expect(await complete('completion', 'z')).toEqual(['zsh']);
    expect(await complete('match', '--graph', '')).toEqual([':files']);
    expect(await complete('graph', 'show', '')).toEqual([':files']);
    expect(await complete('submit', '--', 'x')).toEqual([':files']);
    expect(await complete('submit', '--name', '')).toEqual([]);
  });

  test('names of clusters, from the configuration', async () => {
    const folder = temporaryFolder();
    const env = homeIn(folder);
    const file = join(folder, 'config', 'rainbow', 'config.yaml');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'clusters: [{name: red, token: t}, {name: blue, token: t}]\n');
    const names = async (): Promise<string> =>
      (await rainbow(['complete', '--', 'submit', '--cluster', ''], { env })).stdout;
    expect(await names()).toBe('red\nblue\n');
    writeFileSync(file, 'clusters: [');
    expect(await names()).toBe('');
  });
});

describe('the scripts', () => {
  const env = { ...process.env, PATH: `${dirname(launcher)}:${process.env['PATH']}` };

  test('bash completes with it, and evaluates nothing of what is typed', async () => {
    const { stdout: script } = await rainbow(['completion', 'bash']);
    const asked = (words: string): string =>
      `COMP_WORDS=(${words}); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); _rainbow; echo "\${COMPREPLY[*]}"`;
    const folder = temporaryFolder();
    const { stdout, stderr } = await runChild(
      'bash',
      [
        '-c',
        `${script}\n${asked('rainbow sub')}\n${asked("rainbow submit '$(touch evil)' --on-cluster-loss ''")}\ncd /\n${asked('rainbow graph show /etc/pass')}`,
      ],
      { env, cwd: folder },
    );
    expect(stderr).toBe('');
    expect(stdout.split('\n')[0]).toBe('submit');
    expect(stdout.split('\n')[1]).toBe('wait requeue fail duplicate');
    expect(stdout.split('\n')[2]).toContain('/etc/passwd');
    expect(spawnSync('ls', ['-A', folder], { encoding: 'utf8' }).stdout).toBe('');
  });

  describe.each(['zsh', 'fish'])('%s', (shell) => {
    test.skipIf(spawnSync(shell, ['--version']).status !== 0)('takes it', async () => {
      const { stdout: script } = await rainbow(['completion', shell]);
      expect(script).toContain('rainbow complete --');
      const load = shell === 'zsh' ? ['-fc', `autoload -U compinit; compinit -u; ${script}`] : ['-c', script];
      expect(await runChild(shell, load, { env })).toMatchObject({ code: 0, stderr: '' });
    });
  });

  test.skipIf(spawnSync('fish', ['--version']).status !== 0)('fish completes with it', async () => {
    const { stdout: script } = await rainbow(['completion', 'fish']);
    const ask = (line: string) => runChild('fish', ['-c', `${script}\ncomplete --do-complete '${line}'`], { env });
    expect((await ask('rainbow submit --on-cluster-loss r')).stdout).toBe('requeue\n');
    expect((await ask('rainbow graph show /etc/passw')).stdout).toContain('/etc/passwd');
  });
});

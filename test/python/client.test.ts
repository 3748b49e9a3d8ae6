/**
 * The Python client, as its users get it: the wheel is built and installed into a new environment of every Python that
 * is here (the newest, and 3.9), and its own tests run against the real program. Each of its tests counts as one here.
 * Skipped, and said so, where there is no Python or no package index.
 */
import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../needs.ts';
import { testAuthority } from '../wire/certificates.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'rainbow-wheel-'));
const authority = testAuthority('python');
afterAll(async () => {
  authority.remove();
  await rm(folder, { recursive: true, force: true });
});

const wheel = await build();
const skip = skipWithout('python-client', typeof wheel === 'string' ? null : wheel.missing);
const pythons = typeof wheel === 'string' ? ['python3', ...oldest()] : [];

/** The wheel's path. */
async function build(): Promise<string | { readonly missing: string }> {
  try {
    const source = join(folder, 'source');
    await cp(join(root, 'python'), source, { recursive: true });
    await run('python3', ['-m', 'venv', join(folder, 'build')], { timeout: 60_000 });
    const pip = ['-m', 'pip', 'wheel', '--quiet', '--disable-pip-version-check', '--no-deps', '-w', folder, source];
    await run(join(folder, 'build', 'bin', 'python'), pip, { timeout: 240_000 });
    return join(
      folder,
      (await readdir(folder)).find((name) => name.endsWith('.whl'))!,
    );
  } catch (error) {
    return { missing: (error as Error).message.split('\n').slice(0, 3).join(' ') };
  }
}

/** A Python 3.9 beside the usual one, where there is one. */
function oldest(): readonly string[] {
  const places = ['/usr/bin/python3.9', '/usr/local/bin/python3.9'];
  const found = [...places, ...globSync(join(homedir(), '.pyenv/versions/3.9.*/bin/python'))].find(existsSync);
  return found === undefined ? [] : [found];
}

/** Lines 5 and 6 are wrong, and nothing else is. */
const PROGRAM = `from rainbow_queue import AsyncRainbowClient, Job, RainbowClient, RainbowError, Submission

def blocking(client: RainbowClient) -> Job:
    job = client.submit("job.yaml", array=range(3), hold=True).job
    client.submit("job.yaml", held=True)
    client.submit("job.yaml", hold="yes")
    return client.wait(job, timeout=3)

async def awaited(client: AsyncRainbowClient) -> list[int]:
    return [job.id async for job in client.jobs(states=["running"])]

def many(client: RainbowClient) -> list[str]:
    jobs = ["a.yaml", Submission("b.yaml", name="b")]
    return [each.code if isinstance(each, RainbowError) else each.job.name for each in client.submit_many(jobs, hold=True)]
`;

interface Ran {
  readonly id: string;
  readonly outcome: string;
  readonly why: string;
}

/** All its tests in an environment that has the wheel and what it depends on, nothing else. */
async function tests(python: string, own: string): Promise<readonly Ran[]> {
  await run(python, ['-m', 'venv', own], { timeout: 60_000 });
  const inside = join(own, 'bin', 'python');
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wheel as string];
  await run(inside, pip, { timeout: 240_000 });
  const script = join(root, 'python', 'tests', 'report.py');
  const { cert, key } = authority.issue(basename(own));
  const certificates = { RAINBOW_TEST_CA: authority.ca, RAINBOW_TEST_CERT: cert, RAINBOW_TEST_KEY: key };
  // Programs are started from it: gRPC's own looking after forks is not wanted, and fails at times in Python 3.9.
  const settings = { GRPC_ENABLE_FORK_SUPPORT: '0', PYTHONDONTWRITEBYTECODE: '1' };
  const bin = { RAINBOW_BIN: join(root, 'bin', 'rainbow'), ...settings };
  const env = { ...process.env, ...bin, ...certificates };
  const { stdout } = await run(inside, [script], { env, timeout: 400_000, maxBuffer: 1 << 26 });
  const line = stdout.split('\n').find((each) => each.startsWith('RESULTS '));
  if (line === undefined) throw new Error(`the tests ended without a result: ${stdout}`);
  return JSON.parse(line.slice('RESULTS '.length)) as Ran[];
}

const ranBy = await Promise.all(pythons.map((python, place) => tests(python, join(folder, `venv-${place}`))));
for (const [place, python] of pythons.entries()) {
  const ran = ranBy[place]!;
  const { stdout } = await run(python, ['--version']);
  describe(`Python ${stdout.trim().split(' ').at(-1)}`, () => {
    test('there are tests', () => expect(ran.length).toBeGreaterThan(35));
    test.each(ran)('$id', ({ outcome, why }) => expect(`${outcome} ${why}`.trim()).toBe('ok'));
  });
}

test.skipIf(skip)('the generated modules are those of the proto files', { timeout: 300_000 }, async () => {
  const inside = join(folder, 'build', 'bin', 'python');
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    'grpcio-tools==1.62.3',
    'setuptools<81',
  ];
  await run(inside, pip, { timeout: 240_000 });
  const made = join(folder, 'made');
  await run(inside, [join(root, 'python', 'generate.py'), made], { timeout: 60_000 });
  const here = join(root, 'python', 'rainbow_queue', 'protos');
  const names = globSync('**/*.{py,pyi}', { cwd: join(made, 'rainbow_queue', 'protos') }).sort();
  expect(globSync('**/*.{py,pyi}', { cwd: here }).sort()).toEqual(names);
  for (const name of names) {
    const [wanted, found] = await Promise.all([
      readFile(join(made, 'rainbow_queue', 'protos', name), 'utf8'),
      readFile(join(here, name), 'utf8'),
    ]);
    const outOfDate = found === wanted ? null : `${name} is out of date: run python/generate.py`;
    expect(outOfDate).toBeNull();
  }
});

test.skipIf(skip)('the client for asyncio is made of the blocking one', async () => {
  const check = run(join(folder, 'build', 'bin', 'python'), [join(root, 'python', 'twins.py'), '--check']);
  await expect(check).resolves.toMatchObject({ stderr: '' });
});

test.skipIf(skip)('its types hold, of the package and of a program that uses it', { timeout: 300_000 }, async () => {
  const inside = join(folder, 'build', 'bin', 'python');
  const stubs = ['mypy==1.18.2', 'types-PyYAML', 'types-protobuf<7', 'grpc-stubs', 'protobuf', 'grpcio'];
  await run(inside, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...stubs], { timeout: 240_000 });
  const program = join(folder, 'program.py');
  await writeFile(program, PROGRAM);
  const cwd = join(folder, 'source');
  await run(inside, ['-m', 'mypy'], { cwd, timeout: 200_000 });
  const { stdout } = await run(inside, ['-m', 'mypy', '--strict', program], { cwd, timeout: 200_000 }).catch(
    (error: { stdout: string }) => error,
  );
  const wrong = stdout.split('\n').flatMap((line) => /program\.py:(\d+): error/.exec(line)?.[1] ?? []);
  expect({ wrong, stdout }).toMatchObject({ wrong: ['5', '6'] });
});

test.skipIf(skip)('its tests ran from the wheel', () => expect(pythons).not.toEqual([]));

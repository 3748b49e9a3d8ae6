/**
 * An image of this machine's own programs, for tests with a real container runtime: nothing is fetched from anywhere.
 * It has a shell, a few commands and the libraries that they need, and `/etc/image` by which a job knows where it is.
 */
import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whose images they are: tests that are run by root have their jobs run as somebody else. */
export interface ImageOwner {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The system's own Python first, which Charliecloud's builder was made for. */
export const SYSTEM_PATH = `/usr/bin:/bin:${process.env['PATH'] ?? ''}`;

const PROGRAMS = ['sh', 'cat', 'id', 'env', 'pwd', 'sleep', 'kill', 'true'];

/** Path of a tar of a root file system; the caller removes its folder. */
export async function imageTar(): Promise<{ readonly tar: string; readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'rainbow-image-'));
  await chmod(folder, 0o755);
  const root = join(folder, 'root');
  for (const name of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev', 'home', 'var', 'run'])
    await mkdir(join(root, name), { recursive: true });
  const libraries = new Set<string>();
  for (const name of PROGRAMS) {
    const from = ['/bin', '/usr/bin'].map((where) => join(where, name)).find((path) => existsSync(path));
    // `kill` and `pwd` are the shell's own, too.
    if (from === undefined) continue;
    await copyFile(from, join(root, 'bin', name));
    const { stdout } = await run('ldd', [from]);
    for (const [library] of stdout.matchAll(/\/\S+/g)) libraries.add(library);
  }
  for (const library of libraries) {
    await mkdir(join(root, dirname(library)), { recursive: true });
    await copyFile(library, join(root, library));
  }
  await writeFile(join(root, 'etc', 'image'), 'of the test\n');
  for (const name of ['passwd', 'group', 'hosts', 'resolv.conf']) await writeFile(join(root, 'etc', name), '');
  const tar = join(folder, 'image.tar');
  await run('tar', ['-C', root, '-cf', tar, '.']);
  await rm(root, { recursive: true });
  return { tar, folder };
}

/** A runtime that tests may use on this machine. */
export interface RealRuntime {
  readonly name: 'charliecloud' | 'podman';
  /** Whom the jobs run as; null: the agent's own choice. */
  readonly runAs: string | null;
  /** Puts the tar there as `image`, in `own`, which belongs to that user; what its jobs need in their environment. */
  prepare(tar: string, image: string, own: string, owner: ImageOwner): Promise<Readonly<Record<string, string>>>;
  /** Nothing of it is left running. */
  leave(environment: Readonly<Record<string, string>>, owner: ImageOwner): Promise<void>;
}

const asOwner = ({ uid, gid }: ImageOwner): object => (process.getuid?.() === 0 ? { uid, gid } : {});

export const charliecloud: RealRuntime = {
  name: 'charliecloud',
  runAs: null,
  async prepare(tar, image, own, owner) {
    const given = { CH_IMAGE_STORAGE: join(own, 'storage') };
    const env = { PATH: SYSTEM_PATH, USER: owner.name, HOME: own, ...given };
    await run('ch-image', ['--no-cache', 'import', tar, image], { ...asOwner(owner), env, cwd: own });
    return given;
  },
  leave: async () => undefined,
};

/** Why Charliecloud runs nothing here; null: it does. */
export async function charliecloudMissing(): Promise<string | null> {
  if (process.platform !== 'linux') return 'it runs on Linux';
  try {
    const env = { PATH: SYSTEM_PATH, USER: 'nobody' };
    await run('ch-image', ['--version'], { env });
    await run('flock', ['--version'], { env });
    const as = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    await run('unshare', ['--user', '--mount', '--map-root-user', 'true'], { env, cwd: '/', ...as });
    return null;
  } catch (error) {
    return `no ch-run, or no user namespaces for whoever is not root (${firstLine(error)})`;
  }
}

const env = (own: string, owner: ImageOwner, more: Record<string, string> = {}): Record<string, string> => ({
  PATH: SYSTEM_PATH,
  USER: owner.name,
  HOME: own,
  ...more,
});

const podmanEnvironment = (own: string) => ({
  HOME: own,
  XDG_RUNTIME_DIR: join(own, 'run'),
  CONTAINERS_CONF: join(own, 'containers.conf'),
});

const TRY = ['--cgroup-manager=cgroupfs', 'run', '--rm', '--network=host', '--init', '--userns=keep-id'];

export const podman: RealRuntime = {
  name: 'podman',
  runAs: process.getuid?.() === 0 ? userWithRange() : null,
  async prepare(tar, image, own, owner) {
    const given = podmanEnvironment(own);
    await mkdir(given.XDG_RUNTIME_DIR, { mode: 0o700 });
    if (process.getuid?.() === 0) await chown(given.XDG_RUNTIME_DIR, owner.uid, owner.gid);
    const as = { ...asOwner(owner), env: env(own, owner, given), cwd: own };
    let last: unknown = null;
    // crun refuses machines whose cgroups are of both versions.
    for (const runtime of ['crun', 'runc']) {
      await writeFile(given.CONTAINERS_CONF, `[engine]\nruntime = "${runtime}"\n`);
      try {
        await run('podman', ['import', '--quiet', tar, image], as);
        await run('podman', [...TRY, image, 'true'], as);
        return given;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  },
  async leave(given, owner) {
    // What watches over a container looks once a second, and may call podman a last time.
    for (let tries = 0; tries < 200 && (await guards(owner)) > 0; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const own = given['HOME'] ?? '/';
    await run('podman', ['system', 'migrate'], { ...asOwner(owner), env: env(own, owner, given), cwd: own });
  },
};

/** Processes of that user that are about podman, but for the one that keeps its namespace. */
async function guards(owner: ImageOwner): Promise<number> {
  const { stdout } = await run('ps', ['-e', '-o', 'uid=,args=']);
  const mine = stdout.split('\n').filter((line) => line.trim().startsWith(`${owner.uid} `));
  return mine.filter((line) => /rm --force --time=0|conmon|podman .*cleanup/.test(line)).length;
}

/** Why rootless podman runs nothing here; null: it does. Tried, in a folder of its own. */
export async function podmanMissing(): Promise<string | null> {
  if (process.platform !== 'linux') return 'it runs on Linux';
  if (process.getuid?.() === 0 && podman.runAs === null) return 'no user has a range of uids in /etc/subuid';
  const { tar, folder } = await imageTar();
  const owner = await ownerNamed(podman.runAs);
  const own = join(folder, 'own');
  try {
    await run('podman', ['--version']);
    await mkdir(own);
    if (process.getuid?.() === 0) await chown(own, owner.uid, owner.gid);
    await podman.prepare(tar, 'localhost/probe:1', own, owner);
    return null;
  } catch (error) {
    return `podman runs nothing without root here (${firstLine(error)})`;
  } finally {
    await podman.leave(podmanEnvironment(own), owner).catch(() => undefined);
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

async function ownerNamed(name: string | null): Promise<ImageOwner> {
  const id = async (what: string): Promise<number> =>
    Number((await run('id', [what, ...(name === null ? [] : ['--', name])])).stdout);
  return { name: name ?? 'self', uid: await id('-u'), gid: await id('-g') };
}

/** The first user of this machine with uids of its own to give away. */
function userWithRange(): string | null {
  if (!existsSync('/etc/subuid')) return null;
  const known = new Set(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':')[0]),
  );
  const names = readFileSync('/etc/subuid', 'utf8')
    .split('\n')
    .map((line) => line.split(':')[0] ?? '');
  return names.find((name) => name !== '' && name !== 'root' && known.has(name)) ?? null;
}

function firstLine(error: unknown): string {
  const { stderr = '', message } = error as { stderr?: string; message: string };
  return (stderr.trim() || message.trim()).split('\n').at(-1) ?? '';
}

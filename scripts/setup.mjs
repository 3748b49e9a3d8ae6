/**
 * Set-up of a checkout: the packages, and a Node 24 where the machine's own is older. Runs on Node 20 and newer,
 * does nothing (in a few milliseconds) when all is there, and may run twice at once: the second waits.
 *
 * Invariant: the stamp is written last, and holds the hash of the lock file that was installed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const STAMP = '.rainbow-setup';

/** Is this Node new enough to run Rainbow? */
export function isNewEnough(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 7);
}

/** The Node that this checkout brought, or null. */
export function broughtNode() {
  const modules = join(root, 'runtime', 'node_modules');
  if (!existsSync(modules)) return null;
  for (const name of readdirSync(modules)) {
    const node = join(modules, name, 'bin', 'node');
    if (name.startsWith('node-') && existsSync(node)) return node;
  }
  return null;
}

/** The Node to run Rainbow with: this one where it is new enough, else the one that was brought. */
export function rightNode() {
  return isNewEnough(process.version) ? process.execPath : broughtNode();
}

function say(message) {
  process.stderr.write(`rainbow: ${message}\n`);
}

function lockHash(folder) {
  return createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
}

/**
 * Are the locked packages in place? By the stamp; or, where somebody ran npm by hand, by the list that npm itself
 * leaves in node_modules, compared with the lock file package by package.
 */
function isInstalled(folder) {
  const modules = join(folder, 'node_modules');
  const hash = lockHash(folder);
  const stamp = join(modules, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return true;
  const listing = join(modules, '.package-lock.json');
  if (!existsSync(listing)) return false;
  const wanted = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages;
  const there = JSON.parse(readFileSync(listing, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = there[path];
    if (found === undefined ? entry.optional !== true : found.version !== entry.version) return false;
    if (found !== undefined && !existsSync(join(folder, path))) return false;
  }
  writeFileSync(stamp, hash);
  return true;
}

/**
 * Installs what the lock file says in `folder`, quietly; throws with npm's own words when it fails. `npm install`, not
 * `npm ci`: the latter refuses to do anything where a registry lacks a package for some other platform.
 */
async function install(folder, what) {
  const byNpm = process.env.npm_execpath !== undefined && basename(process.env.npm_execpath) === 'npm-cli.js';
  const [program, first] = byNpm ? [process.execPath, [process.env.npm_execpath]] : ['npm', []];
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  say(`installing ${what} …`);
  const beat = setInterval(() => say(`… still installing ${what} (${seconds()} s)`), 10_000);
  try {
    await new Promise((resolve, reject) => {
      const child = spawn(
        program,
        [...first, 'install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
        {
          cwd: folder,
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      );
      let said = '';
      child.stdout.on('data', (data) => (said += data));
      child.stderr.on('data', (data) => (said += data));
      child.once('error', (error) =>
        reject(new Error(`npm could not be started (${error.message}); it comes with Node: https://nodejs.org`)),
      );
      child.once('close', (code) =>
        code === 0 ? resolve() : reject(new Error(`npm install in ${folder} failed:\n${said.trim()}`)),
      );
    });
  } finally {
    clearInterval(beat);
  }
  say(`installed ${what} in ${seconds()} s`);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Holds the one lock of this checkout while `work` runs; a lock whose holder is gone is taken over. */
async function alone(work) {
  const lock = join(tmpdir(), `rainbow-setup-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`);
  const holder = join(lock, 'pid');
  let told = false;
  for (;;) {
    try {
      mkdirSync(lock);
      writeFileSync(holder, String(process.pid));
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = existsSync(holder) ? Number(readFileSync(holder, 'utf8')) : 0;
    const age = existsSync(lock) ? Date.now() - statSync(lock).mtimeMs : 0;
    if (pid > 0 ? !isAlive(pid) : age > 5_000) {
      rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (!told) say(`another set-up is at work (process ${pid}); waiting for it`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

const parts = [
  { folder: root, what: 'packages', isReady: () => isInstalled(root) },
  {
    folder: join(root, 'runtime'),
    what: 'Node 24',
    isReady: () => isNewEnough(process.version) || (broughtNode() !== null && isInstalled(join(root, 'runtime'))),
  },
];

/** Brings everything that is missing. Idempotent. */
export async function setUp() {
  if (parts.every((part) => part.isReady())) return;
  await alone(async () => {
    for (const { folder, what, isReady } of parts) {
      if (isReady()) continue;
      await install(folder, what);
      const modules = join(folder, 'node_modules');
      mkdirSync(modules, { recursive: true });
      writeFileSync(join(modules, STAMP), lockHash(folder));
    }
  });
  if (rightNode() === null) {
    throw new Error(
      `needs Node 24.7 or newer, this is ${process.version}, and there is none to bring for ` +
        `${process.platform} on ${process.arch}: install one from https://nodejs.org`,
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await setUp();
    say('everything is in place; next: npm run demo');
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}

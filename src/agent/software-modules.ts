/**
 * The software modules that a cluster's users find (MODULEPATH), read from their trees, and put beside what discovery
 * finds as the subsystem `modules`. Only names are read: a modulefile is a program, and none is run.
 */
import { open, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  defaultVersion,
  moduleNamed,
  moduleSubsystem,
  readModuleListing,
  type FoundModule,
} from '../core/discover/modules.ts';
import { RainbowError } from '../core/errors.ts';
import { readGraph } from '../core/graph/read.ts';
import type { System } from '../system/system.ts';
import { describe, type Log } from './log.ts';
import type { ClusterNow, Discovery } from './runners/runner.ts';

/** `compiler/gcc/12/debug` is deep; a link that leads back is followed no further. */
const DEEPEST = 4;
const MOST_FILES = 100_000;

/**
 * `paths`: folders with modulefiles, and files with what `module -t avail` printed. A folder that is not there is none,
 * as for `module` itself. Throws `not_found` or `invalid_input` for a file.
 */
export async function findModules(paths: readonly string[]): Promise<readonly FoundModule[]> {
  const left = { files: MOST_FILES };
  const found: FoundModule[] = [];
  for (const path of paths) {
    const there = await stat(path).catch(() => null);
    if (there?.isDirectory() === true) found.push(...(await inTree(path, '', left)));
    else if (there !== null) found.push(...readModuleListing(await readFile(path, 'utf8'), path));
  }
  return found;
}

async function inTree(tree: string, within: string, left: { files: number }): Promise<readonly FoundModule[]> {
  const folder = join(tree, within);
  const names = (await readdir(folder).catch(() => [])).toSorted((a, b) => (a < b ? -1 : 1));
  const known = names.includes('default') ? await linked(join(folder, 'default')) : null;
  const said = known ?? (names.includes('.version') ? defaultVersion(await textOf(join(folder, '.version'))) : null);
  const found: FoundModule[] = [];
  for (const name of names) {
    if (name.startsWith('.') || name === 'default') continue;
    if (left.files-- <= 0) throw new RainbowError('invalid_input', `${tree}: more than ${MOST_FILES} files`);
    const path = within === '' ? name : `${within}/${name}`;
    const there = await stat(join(tree, path)).catch(() => null);
    if (there?.isDirectory() === true) {
      if (path.split('/').length < DEEPEST) found.push(...(await inTree(tree, path, left)));
    } else if (there?.isFile() === true && (await isModulefile(join(tree, path)))) {
      const module = moduleNamed(path, name.replace(/\.lua$/, '') === said);
      if (module !== null) found.push(module);
    }
  }
  return found;
}

/** The version that a link `default` leads to; null where it is none. */
async function linked(path: string): Promise<string | null> {
  const target = await readlink(path).catch(() => null);
  return target === null ? null : (target.split('/').at(-1) ?? '').replace(/\.lua$/, '');
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** Lmod's end with `.lua`; those in Tcl begin with `#%Module`. */
async function isModulefile(path: string): Promise<boolean> {
  if (path.endsWith('.lua')) return true;
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return false;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.toString('latin1', 0, bytesRead) === '#%Module';
  } finally {
    await file.close();
  }
}

/** What was found in the trees serves so long: they may be on a file system that is far away. */
const KEPT_MS = 300_000;

/**
 * The same discovery with `modules` beside its own subsystems. Modules that cannot be read are said in the log, once,
 * and are left as they were: the cluster is followed all the same.
 */
export function withModules(
  discovery: Discovery,
  paths: readonly string[],
  { system, log }: { readonly system: System; readonly log: Log },
): Discovery {
  if (paths.length === 0) return discovery;
  let made: { readonly graph: string; readonly at: number; readonly text: string | null } | null = null;
  let trouble = '';
  const subsystemOf = async (graph: string): Promise<string | null> => {
    const now = system.clock.monotonic();
    if (made !== null && made.graph === graph && now - made.at < KEPT_MS) return made.text;
    let text: string | null = made?.graph === graph ? made.text : null;
    try {
      text = moduleSubsystem(readGraph(graph), await findModules(paths));
      trouble = '';
    } catch (error) {
      const message = describe(error);
      if (message !== trouble) log.warn(`software modules are not registered: ${message}`);
      trouble = message;
    }
    made = { graph, at: now, text };
    return text;
  };
  return {
    async discover(): Promise<ClusterNow> {
      const found = await discovery.discover();
      const modules = await subsystemOf(found.graph);
      return modules === null ? found : { ...found, subsystems: { ...found.subsystems, modules } };
    },
  };
}

/** Of `MODULEPATH`, or of what was given instead: parts between colons. */
export function modulePaths(written: string | undefined): readonly string[] {
  return (written ?? '').split(':').filter((path) => path !== '');
}

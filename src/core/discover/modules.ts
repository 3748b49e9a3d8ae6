/**
 * Software modules (Environment Modules, Lmod) as the subsystem `modules`: one vertex for each name and version, linked
 * from every node of a graph. Names come from trees of modulefiles, from what `module -t avail` prints, or from Lmod's
 * spider cache as JSON (`spider -o jsonSoftwarePage`). Pure; no modulefile is run.
 *
 * Where it stops: what a module needs to be loaded first is not known, and all nodes are said to have all modules.
 */
import { invalid } from '../errors.ts';
import type { ResourceGraph } from '../graph/graph.ts';
import { isObject } from '../graph/json.ts';

export interface FoundModule {
  /** `gcc`, `compiler/gcc`. */
  readonly name: string;
  /** '' where it has none. */
  readonly version: string;
  /** What its name alone loads. */
  readonly isDefault: boolean;
}

/** `gcc/12.2.0`, `gcc/12.2.0.lua`: what stands behind the last slash is the version. Null: it is none, or hidden. */
export function moduleNamed(path: string, isDefault = false): FoundModule | null {
  const full = path.replace(/\.lua$/, '');
  if (full === '' || full.split('/').some((part) => part === '' || part.startsWith('.'))) return null;
  const at = full.lastIndexOf('/');
  return at < 0
    ? { name: full, version: '', isDefault }
    : { name: full.slice(0, at), version: full.slice(at + 1), isDefault };
}

/** Which version a `.version` or `.modulerc` names as the default: `set ModulesVersion "12.2.0"`; null: none. */
export function defaultVersion(text: string): string | null {
  return /^\s*set\s+ModulesVersion\s+["{]?([^\s"{}]+)["}]?/m.exec(text)?.[1] ?? null;
}

/** What `module -t avail` or Lmod's `spider -o jsonSoftwarePage` printed. Throws `invalid_input`: no module in it. */
export function readModuleListing(text: string, file: string): readonly FoundModule[] {
  const found = text.trimStart().startsWith('[') ? softwarePage(text, file) : terse(text);
  if (found.length === 0) {
    throw invalid(
      file,
      'no module in it: what "module -t avail" or Lmod’s "spider -o jsonSoftwarePage" prints is needed',
    );
  }
  return found;
}

/** A line each; `/apps/modules:` names a folder, `gcc/` all versions of one, `(default)` and `<L>` stand behind. */
function terse(text: string): readonly FoundModule[] {
  return text.split('\n').flatMap((line) => {
    const [, path = '', marks = ''] = /^([\w.+/@-]+)((?:\([^)]*\)|\s*<[^>]*>)*)\s*$/.exec(line.trim()) ?? [];
    const module = path.endsWith('/') ? null : moduleNamed(path, /\bdefault\b|\bD\b/.test(marks));
    return module === null ? [] : [module];
  });
}

function softwarePage(text: string, file: string): readonly FoundModule[] {
  let page: unknown;
  try {
    page = JSON.parse(text);
  } catch (error) {
    throw invalid(file, `it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return (Array.isArray(page) ? (page as unknown[]) : []).flatMap((each) => {
    const versions = isObject(each) && Array.isArray(each['versions']) ? (each['versions'] as unknown[]) : [];
    return versions.flatMap((version) => {
      if (!isObject(version) || typeof version['full'] !== 'string' || version['hidden'] === true) return [];
      const module = moduleNamed(version['full'], version['markedDefault'] === true);
      return module === null ? [] : [module];
    });
  });
}

/** More edges than this would be the larger part of what is known of a cluster. */
const MOST_LINKS = 2_000_000;

/** JGF version 2; null where there is no module. Throws `invalid_input`: too many for so many nodes, or no node. */
export function moduleSubsystem(graph: ResourceGraph, found: readonly FoundModule[]): string | null {
  const byName = new Map<string, FoundModule>();
  for (const module of found) {
    const key = `${module.name}/${module.version}`;
    // Of one that is in several trees the first counts, as when it is loaded.
    if (!byName.has(key)) byName.set(key, module);
  }
  if (byName.size === 0) return null;
  const modules = [...byName].sort(([a], [b]) => (a < b ? -1 : 1));
  const nodes = graph.ids.filter((_, vertex) => graph.types[vertex] === 'node');
  if (nodes.length === 0) throw invalid('graph', 'no vertex of type node in it, which could have modules');
  if (nodes.length * modules.length > MOST_LINKS) {
    throw invalid(
      'modules',
      `${modules.length} modules on ${nodes.length} nodes are more than ${MOST_LINKS} links: name fewer folders`,
    );
  }
  const vertices = [
    `"modules":${JSON.stringify({ metadata: { type: 'modules', name: 'modules' } })}`,
    ...modules.map(([key, { name, version, isDefault }]) => {
      const metadata = {
        type: 'module',
        name,
        ...(version === '' ? {} : { version }),
        ...(isDefault ? { default: true } : {}),
      };
      return `${JSON.stringify(`module/${key}`)}:${JSON.stringify({ label: key, metadata })}`;
    }),
  ];
  const edge = (source: string, key: string): string =>
    JSON.stringify({ source, target: `module/${key}`, relation: 'contains' });
  const edges = ['modules', ...nodes].flatMap((source) => modules.map(([key]) => edge(source, key)));
  return `{"graph":{"directed":true,"nodes":{\n${vertices.join(',\n')}\n},"edges":[\n${edges.join(',\n')}\n]}}\n`;
}

/** What all renderers give, and what they do with what is left over. */
import type { Attributes } from '../attributes.ts';
import { isMap } from '../attributes.ts';
import { countText } from '../normal.ts';
import type { Report, ReportLine } from '../report.ts';
import type { Asked } from './asked.ts';

export interface Rendered {
  readonly text: string;
  readonly report: readonly ReportLine[];
}

/** Whatever no renderer took is lost. */
export function dropRest(attributes: Attributes, report: Report): void {
  for (const [path, value] of attributes.rest()) {
    if (isMap(value) && Object.keys(value).length === 0) continue;
    const inner =
      path.length === 2 && path[0] === 'rainbow' && isMap(value) && ['slurm', 'flux', 'kubernetes'].includes(path[1]!);
    for (const key of inner ? Object.keys(value) : ['']) {
      report.dropped(null, `attributes.${[...path, ...(inner ? [key] : [])].join('.')}`, 'there is no word for it');
    }
  }
}

/** A number of nodes as a fixed one; null where there is none. */
export function fixedNodes({ nodes }: Asked, report: Report): number | null {
  if (nodes === null) return null;
  if (nodes.min !== nodes.max) {
    report.altered(null, 'resources[0].count', `${nodes.min} nodes`, `a fixed number, not ${countText(nodes)}`);
  }
  return nodes.min;
}

/** Slots in all; the least where the number of nodes is open. */
export function slotsInAll({ nodes, slots }: Asked): number {
  return 'total' in slots ? slots.total : slots.each * (nodes?.min ?? 1);
}

/** Variables that can be written; the others are lost. */
export function variables(
  environment: Readonly<Record<string, string>>,
  canBe: (name: string, value: string) => boolean,
  report: Report,
): readonly (readonly [string, string])[] {
  return Object.entries(environment).filter(([name, value]) => {
    const can = canBe(name, value);
    if (!can)
      report.dropped(null, `attributes.system.environment.${name}`, 'that name or value cannot be written there');
    return can;
  });
}

/** Where standard input, output and error are files of the job's own. */
export interface StreamFile {
  /** As batch systems call it: `--input=PATH`. */
  readonly option: 'input' | 'output' | 'error';
  readonly path: string;
  /** In the jobspec. */
  readonly place: string;
}

/** Taken are those of which there is no more to say than a path that `isFile`. */
export function takeFiles(
  { attributes }: Asked,
  isFile: (path: string) => boolean = () => true,
): readonly StreamFile[] {
  const streams = [
    ['input', 'input', 'stdin'],
    ['output', 'output', 'stdout'],
    ['error', 'output', 'stderr'],
  ] as const;
  return streams.flatMap(([option, kind, stream]) => {
    const place = ['system', 'shell', 'options', kind, stream] as const;
    const found = attributes.peek(...place);
    if (!isMap(found) || found['type'] !== 'file' || Object.keys(found).length > 2) return [];
    const { path } = found;
    if (typeof path !== 'string' || !isFile(path)) return [];
    attributes.take(...place);
    return [{ option, path, place: `attributes.${place.join('.')}` }];
  });
}

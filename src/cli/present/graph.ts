/**
 * A resource graph for people: equal siblings folded into one with a count, so that a cluster of 100,000 equal
 * nodes is five lines. Two vertices are equal when type, size, unit, links and children are; names do not count.
 */
import type { NamedSubsystem, ResourceGraph } from '../../core/graph/graph.ts';
import { clean, type Paint } from '../paint.ts';

export interface Folded {
  readonly type: string;
  /** How many equal siblings this stands for. */
  readonly count: number;
  /** Quantity of a pool; 1 for a plain vertex. */
  readonly size: number;
  readonly unit: string;
  /** Subsystem vertices linked here, `software:gcc`. */
  readonly links: readonly string[];
  readonly children: readonly Folded[];
}

export function foldGraph(graph: ResourceGraph, subsystems: readonly NamedSubsystem[]): Folded {
  const links = new Map<number, string[]>();
  for (const subsystem of subsystems) {
    for (const [vertex, target] of subsystem.links) {
      const { name, type } = subsystem.metadata(target);
      const shown = typeof name === 'string' ? name : typeof type === 'string' ? type : subsystem.ids[target];
      const there = links.get(vertex);
      if (there === undefined) links.set(vertex, [`${subsystem.name}:${shown}`]);
      else there.push(`${subsystem.name}:${shown}`);
    }
  }

  // Bottom up: a parent stands before its children, so going backwards every child is done before its parent.
  const classes: Omit<Folded, 'count'>[] = [];
  const classOf = new Map<string, number>();
  const below: (Map<number, number> | undefined)[] = Array.from({ length: graph.size });
  let root = 0;
  for (let vertex = graph.size - 1; vertex >= 0; vertex--) {
    // Children were met last to first.
    const children = [...(below[vertex] ?? [])].reverse();
    below[vertex] = undefined;
    const own = links.get(vertex)?.sort() ?? [];
    const type = graph.types[vertex] ?? '';
    const size = graph.sizes[vertex] ?? 1;
    const unit = graph.units[vertex] ?? '';
    const key = JSON.stringify([type, size, unit, own, children.toSorted(([a], [b]) => a - b)]);
    let id = classOf.get(key);
    if (id === undefined) {
      id = classes.length;
      classOf.set(key, id);
      classes.push({
        type,
        size,
        unit,
        links: own,
        children: children.map(([child, count]) => ({ ...(classes[child] as Omit<Folded, 'count'>), count })),
      });
    }
    const parent = graph.parents[vertex] ?? -1;
    if (parent < 0) root = id;
    else {
      const siblings = (below[parent] ??= new Map());
      siblings.set(id, (siblings.get(id) ?? 0) + 1);
    }
  }
  return { ...(classes[root] as Omit<Folded, 'count'>), count: 1 };
}

function label(folded: Folded): string {
  const count = folded.count === 1 ? '' : `${folded.count} × `;
  const quantity =
    folded.size === 1 && folded.unit === ''
      ? ''
      : ` ${folded.size}${folded.unit === '' ? '' : ` ${clean(folded.unit)}`}`;
  const links = folded.links.length === 0 ? '' : ` [${folded.links.map(clean).join(', ')}]`;
  return `${count}${clean(folded.type)}${quantity}${links}`;
}

/** Deepest nesting that is drawn; a graph may be a chain of thousands. */
const DRAWN_DEPTH = 40;

/** `cluster {48 × node {2 × socket {18 × core}}}` */
export function foldedLine(folded: Folded, depth = 0): string {
  if (folded.children.length === 0) return label(folded);
  if (depth >= DRAWN_DEPTH) return `${label(folded)} {…}`;
  return `${label(folded)} {${folded.children.map((child) => foldedLine(child, depth + 1)).join(', ')}}`;
}

export function foldedTree(folded: Folded, paint: Paint): string {
  const lines: string[] = [label(folded)];
  const draw = (parent: Folded, indent: string, depth: number): void => {
    if (depth >= DRAWN_DEPTH) {
      lines.push(`${indent}${paint.dim('└─ …')}`);
      return;
    }
    parent.children.forEach((child, i) => {
      const last = i === parent.children.length - 1;
      lines.push(`${indent}${paint.dim(last ? '└─ ' : '├─ ')}${label(child)}`);
      draw(child, `${indent}${last ? '   ' : `${paint.dim('│')}  `}`, depth + 1);
    });
  };
  draw(folded, '', 0);
  return lines.join('\n');
}

/** `3 node, 36 core, 192 GB memory` */
export function countText(counts: readonly { type: string; total: number; unit: string }[]): string {
  return counts
    .map(({ type, total, unit }) => `${total}${unit === '' ? '' : ` ${clean(unit)}`} ${clean(type)}`)
    .join(', ');
}

/** One edge of a JGF document: is it of the containment tree? And the usual way to write one, read without building it. */
import { invalid } from '../errors.ts';
import { isObject, kindOf, type JsonObject } from './json.ts';

export function isContainment(edge: JsonObject, at: number): boolean {
  const relation = edge['relation'];
  if (relation !== undefined && relation !== null) {
    if (typeof relation !== 'string') {
      throw invalid(`graph.edges[${at}].relation`, `a string is needed, this is ${kindOf(relation)}`);
    }
    if (relation !== '') return relation === 'contains';
  }
  const metadata = edge['metadata'];
  if (!isObject(metadata)) return true;
  const name = metadata['name'];
  if (isObject(name)) return name['containment'] === 'contains';
  const subsystem = metadata['subsystem'];
  return subsystem === undefined || subsystem === 'containment';
}

/** As compspec, networkx and we ourselves write it; twice as fast as by JSON.parse, and edges are half of a document. */
const usual =
  /\{[\t\n\r ]*"source":[\t\n\r ]*"([\w:./ -]+)",[\t\n\r ]*"target":[\t\n\r ]*"([\w:./ -]+)",[\t\n\r ]*"relation":[\t\n\r ]*"(\w+)"[\t\n\r ]*\}/y;

export interface SkimmedEdge {
  readonly source: string;
  readonly target: string;
  readonly isContainment: boolean;
  /** One past its last character. */
  readonly end: number;
}

/** Null where it is written in another way, or not to its end. */
export function skimEdge(text: string, at: number): SkimmedEdge | null {
  usual.lastIndex = at;
  const found = usual.exec(text);
  if (found === null) return null;
  const [, source, target, relation] = found as unknown as readonly [string, string, string, string];
  return { source, target, isContainment: relation === 'contains', end: usual.lastIndex };
}

/**
 * What is to be read out of a document, whose text comes in pieces: the same here and in a thread. Tasks and results
 * are plain data, which can be sent from one to the other.
 */
import { resourceCounts, type ResourceCount } from '../../core/graph/counts.ts';
import { FOR_MATCHING, GraphReader, SubsystemReader } from '../../core/graph/read.ts';
import { findId, type Ids } from '../../core/match/ids.ts';
import type { Witness } from '../../core/match/matcher.ts';
import { planTree, type TreePlan } from '../../core/match/plan.ts';
import { rDocument, type RDocument } from '../../core/match/r-document.ts';
import { packSubsystem, type PackedSubsystem } from './subsystem.ts';

export interface Results {
  /** A resource graph, for the matcher. */
  readonly graph: { readonly plan: TreePlan; readonly counts: readonly ResourceCount[] };
  /** A subsystem of the graph whose vertices have these ids. */
  readonly subsystem: PackedSubsystem;
  /** Which parts of a resource graph a witness takes. */
  readonly placement: RDocument;
}

export type Kind = keyof Results;

interface Given {
  readonly graph: object;
  readonly subsystem: { readonly name: string; readonly ids: Ids };
  readonly placement: { readonly witness: Witness; readonly times: { readonly start: number; readonly end: number } };
}

export type Task = { readonly [K in Kind]: { readonly kind: K } & Given[K] }[Kind];
/** The task of that kind. */
export type TaskOf<K extends Kind> = Extract<Task, { readonly kind: K }>;

export interface Work<K extends Kind> {
  /** Throws `invalid_input` with the place. */
  push(text: string): void;
  finish(): Results[K];
}

export function begin(task: Task): Work<Kind> {
  switch (task.kind) {
    case 'graph': {
      const reader = new GraphReader(FOR_MATCHING);
      return {
        push: (text) => reader.push(text),
        finish() {
          const graph = reader.finish();
          return { plan: planTree(graph), counts: resourceCounts(graph) };
        },
      };
    }
    case 'subsystem': {
      const reader = new SubsystemReader(task.name, (id) => findId(task.ids, id));
      return { push: (text) => reader.push(text), finish: () => packSubsystem(reader.finish()) };
    }
    default: {
      const reader = new GraphReader();
      return { push: (text) => reader.push(text), finish: () => rDocument(reader.finish(), task.witness, task.times) };
    }
  }
}

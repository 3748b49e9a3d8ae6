/** `--gpus`: so many in all, spread over nodes or tasks as they come. */
import type { DraftVertex } from '../draft.ts';
import type { Report } from '../report.ts';
import type { Choices } from './choices.ts';
import { gresText, gresVertex } from './gres.ts';
import type { Gres } from './gres.ts';

export interface Spread {
  readonly gpusInAll: readonly Gres[];
  readonly nodes: number | string | null;
  readonly inAll: number | null;
  readonly alone: boolean;
  readonly bundle: DraftVertex[];
  readonly beside: DraftVertex[];
  readonly put: (all: readonly Gres[]) => void;
}

/** `--gpus`: so many in all. The number of nodes, which it may have to fix. */
export function spreadGpus(spread: Spread, choices: Choices, report: Report): number | string | null {
  const { gpusInAll, inAll, alone, bundle, put } = spread;
  const { nodes } = spread;
  const { at, what } = choices.peek('gpus')!;
  const said = gresText(gpusInAll);
  if (alone || nodes === 1) {
    put(gpusInAll);
    report.kept(at, what, said);
    return nodes;
  }
  const share = (n: number): readonly Gres[] =>
    gpusInAll.map((each) => ({ ...each, count: Math.ceil(each.count / n) }));
  if (typeof nodes === 'number') {
    put(share(nodes));
    const became = `${gresText(share(nodes))} on each of ${nodes} nodes`;
    if (gpusInAll.every((each) => each.count % nodes === 0))
      report.narrowed(at, what, became, 'spread evenly over the nodes');
    else report.altered(at, what, became, 'they cannot be spread evenly over the nodes; more are taken');
    return nodes;
  }
  if (nodes === null && inAll !== null && gpusInAll.every((each) => each.count % inAll === 0)) {
    bundle.push(...share(inAll).map((each) => gresVertex(each, false)));
    report.narrowed(at, what, `${gresText(share(inAll))} in each slot`, 'spread evenly over the tasks');
    return nodes;
  }
  if (nodes === null) {
    put(gpusInAll);
    report.narrowed(
      at,
      what,
      `${said} on one node`,
      'they cannot be spread evenly over the tasks; --nodes says how many nodes',
    );
    return 1;
  }
  report.dropped(at, what, 'a number in all over a range of nodes; say --gpus-per-node');
  return nodes;
}

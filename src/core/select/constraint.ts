/**
 * The prototype's `constraint` policy as it was meant (spec 4.3). Option `priorities`: a YAML list of
 * {priority, steps}, tried in ascending order until one leaves a cluster. Every priority starts from the original
 * contenders that have reported a state, and from a copy of that state: nothing a `calc` sets outlives its priority.
 */
import { invalid } from '../errors.ts';
import { readDocument } from '../jobspec/document.ts';
import { entries, items, kindOf, number, refuseMisspelt, required, wrong } from '../jobspec/place.ts';
import type { Place } from '../jobspec/place.ts';
import { seededRandom } from '../random.ts';
import type { Policy, Selection, SelectInput } from './policy.ts';
import { readStep, runStep } from './step.ts';
import type { Candidate, Step } from './step.ts';
import { toValues } from './values.ts';

/** Evaluation steps that one selection may take; about a second on the slowest machine we know. */
const FUEL = 5_000_000;
const MOST_STEPS = 100;

interface Priority {
  readonly priority: number;
  readonly steps: readonly Step[];
}

export const constraintPolicy: Policy = {
  compile(options) {
    const written = options['priorities'];
    if (written === undefined || written.trim() === '') {
      throw invalid(
        'priorities',
        'the constraint policy needs the option `priorities`: a YAML list of {priority, steps}',
      );
    }
    const priorities = readPriorities(written);
    return (input) => select(priorities, input);
  },
};

function readPriorities(written: string): readonly Priority[] {
  const place: Place = { node: readDocument(written, 'priorities'), path: 'priorities' };
  const list = items(place);
  if (list.length === 0) throw wrong(place, 'lists no priority');
  let steps = 0;
  const priorities = list.map((each): Priority => {
    refuseMisspelt(each, ['priority', 'steps']);
    const stepsPlace = required(each, 'steps', 'what this priority does');
    const read = items(stepsPlace).map(readSingle);
    if (read.length === 0) throw wrong(stepsPlace, 'lists no step');
    steps += read.length;
    if (steps > MOST_STEPS) throw wrong(stepsPlace, `more than ${MOST_STEPS} steps, which is the limit`);
    const early = read.slice(0, -1).findIndex((step) => step.kind === 'select');
    if (early >= 0) throw wrong(items(stepsPlace)[early]!, '`select` ends a priority, so it must be its last step');
    return { priority: number(required(each, 'priority', 'its rank; the lowest is tried first')), steps: read };
  });
  return priorities.sort((a, b) => a.priority - b.priority);
}

function readSingle(place: Place): Step {
  const pairs = entries(place);
  const only = pairs[0];
  if (only === undefined || pairs.length > 1) {
    throw wrong(place, `a step is one key and its value, as in \`filter: "nodes_free > 0"\`, not ${kindOf(place)}`);
  }
  return readStep(only[0], only[1]);
}

function select(priorities: readonly Priority[], input: SelectInput): Selection {
  const notes: string[] = [];
  const fuel = { left: FUEL };
  const parameters = toValues(input.parameters);
  const contenders = input.contenders.filter((contender) => contender.hasState);
  if (contenders.length < input.contenders.length) {
    notes.push(`${input.contenders.length - contenders.length} without a reported state left out`);
  }
  if (contenders.length === 0) return { order: [], notes };
  for (const [index, { priority, steps }] of priorities.entries()) {
    let candidates: readonly Candidate[] = contenders.map(({ cluster, state }) => ({
      cluster,
      // The cluster's state lies over the job's parameters.
      values: new Map([...parameters, ...toValues(state)]),
    }));
    for (const step of steps) {
      const random = seededRandom(`${input.seed}/${index}`);
      const { kept, note } = runStep(step, candidates, fuel, random);
      candidates = kept;
      notes.push(`priority ${priority}: ${note}`);
      if (candidates.length === 0) break;
    }
    if (candidates.length > 0) return { order: candidates.map((candidate) => candidate.cluster), notes };
  }
  return { order: [], notes };
}

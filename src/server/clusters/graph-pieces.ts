/** A document that comes in the messages of a stream: the first says whose it is, each has a piece of the text. */
import { invalid, RainbowError } from '../../core/errors.ts';
import { LIMITS } from '../limits.ts';

/** Throws `invalid_input` where none comes. */
export async function firstOf<T>(
  requests: AsyncIterable<T>,
): Promise<{ readonly first: T; readonly rest: AsyncIterator<T> }> {
  const rest = requests[Symbol.asyncIterator]();
  const step = await rest.next();
  if (step.done === true) {
    throw invalid('name', 'no message came; send the name and the secret first, then the graph');
  }
  return { first: step.value, rest };
}

/** The text, as it comes. `check` looks at every message but the first. Throws `resource_exhausted` beyond the limit. */
export async function* graphPieces<T extends { readonly graph: string }>(
  first: T,
  rest: AsyncIterator<T>,
  check: (request: T) => void,
): AsyncGenerator<string> {
  let length = 0;
  try {
    for (let request: T | null = first; request !== null; request = await nextOf(rest)) {
      if (request !== first) check(request);
      length += request.graph.length;
      if (length > LIMITS.graphText) {
        throw new RainbowError(
          'resource_exhausted',
          `is over ${LIMITS.graphText >> 20} MiB; leave out metadata that no job asks for`,
          { place: 'graph' },
        );
      }
      if (request.graph !== '') yield request.graph;
    }
    if (length === 0) throw invalid('graph', 'is empty; send it as JGF version 2 text');
  } finally {
    await rest.return?.(undefined);
  }
}

async function nextOf<T>(rest: AsyncIterator<T>): Promise<T | null> {
  const step = await rest.next();
  return step.done === true ? null : step.value;
}

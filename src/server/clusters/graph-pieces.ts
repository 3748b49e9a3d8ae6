/** A document that comes in the messages of a stream: the first says whose it is, each has a piece of the text. */
import { invalid } from '../../core/errors.ts';

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

/** The pieces, as they come. `check` looks at every message but the first. */
export async function* graphPieces<T extends { readonly graph: string; readonly packedGraph: Uint8Array }>(
  first: T,
  rest: AsyncIterator<T>,
  check: (request: T) => void,
): AsyncGenerator<string | Uint8Array> {
  let isEmpty = true;
  try {
    for (let request: T | null = first; request !== null; request = await nextOf(rest)) {
      if (request !== first) check(request);
      if (request.graph !== '' && request.packedGraph.length > 0) {
        throw invalid('packed_graph', 'came with `graph` in one message; send a piece packed or as text, not both');
      }
      const piece = request.graph === '' ? request.packedGraph : request.graph;
      if (piece.length === 0) continue;
      isEmpty = false;
      yield piece;
    }
    if (isEmpty) throw invalid('graph', 'is empty; send it as JGF version 2 text');
  } finally {
    await rest.return?.(undefined);
  }
}

async function nextOf<T>(rest: AsyncIterator<T>): Promise<T | null> {
  const step = await rest.next();
  return step.done === true ? null : step.value;
}

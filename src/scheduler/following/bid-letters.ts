/**
 * Bids of agents whose stream another server holds: the question goes there as a letter, that server asks (its own book
 * shares equal questions), and the bid comes back as one. For the book here it is a line like any other.
 */
import type { ClusterRef } from '../../store/store.ts';
import type { Book, OpenLine } from '../bidding/book.ts';
import type { Letters } from './letters.ts';
import type { Looked, Standing } from './standing.ts';

export interface BidLetters {
  /** After each look: lines to agents elsewhere are opened and closed. */
  looked(looked: Looked): void;
  close(): void;
}

export function createBidLetters(deps: {
  readonly book: Book;
  readonly letters: Letters;
  readonly standing: Pick<Standing, 'id' | 'elsewhere' | 'streamOf'>;
}): BidLetters {
  const { book, letters, standing } = deps;
  const lines = new Map<number, { readonly stream: string; readonly line: OpenLine }>();

  const openTo = (cluster: ClusterRef, receiver: string): OpenLine =>
    book.open({
      cluster,
      ask(id, question, withinMs) {
        letters.send(receiver, { kind: 'ask', from: standing.id, id, cluster, question, withinMs });
        return true;
      },
    });

  const end = (id: number, line: OpenLine): void => {
    lines.delete(id);
    line.close();
  };

  letters.on('bid', ({ cluster, id, bid }) => void lines.get(cluster.id)?.line.answered(id, () => bid));
  letters.on('ask', ({ from, id, cluster, question, withinMs }) => {
    const answer = async (): Promise<void> => {
      const here = standing.streamOf(cluster) !== null;
      const held = here ? (await book.collect(question, [cluster.name], withinMs)).get(cluster.name) : undefined;
      // Silence is silence; who asked is waiting for no longer than that.
      if (held !== undefined && held.bid.kind !== 'silent') {
        letters.send(from, { kind: 'bid', id, cluster, bid: held.bid });
      }
    };
    void answer();
  });

  return {
    looked({ clusters, gone }) {
      for (const cluster of clusters) {
        const claim = standing.elsewhere(cluster);
        const { id, name } = cluster;
        const stream = claim?.bids === true ? claim.stream : null;
        const before = lines.get(id);
        if (before?.stream === stream) continue;
        if (before !== undefined) end(id, before.line);
        if (claim !== null && stream !== null) lines.set(id, { stream, line: openTo({ name, id }, claim.server) });
      }
      for (const { id } of gone) {
        const before = lines.get(id);
        if (before !== undefined) end(id, before.line);
      }
    },
    close() {
      for (const { line } of lines.values()) line.close();
      lines.clear();
    },
  };
}

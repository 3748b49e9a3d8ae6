/** What servers on one database tell each other, as calls of an engine. An engine of one server has nobody to follow. */
import type { Engine } from './engine.ts';
import type { Arguments, OperationName, Result } from './operations/operations.ts';
import type { ServerStore, Whisper } from './server-store.ts';

type Call = <N extends OperationName>(name: N, ...args: Arguments<N>) => Promise<Result<N>>;

export function serversOver(engine: Engine, call: Call): ServerStore {
  const { own } = engine;
  const hearers = new Set<(whisper: Whisper) => void>();
  engine.onWhisper?.((whisper) => {
    for (const hear of hearers) queueMicrotask(() => hearers.has(hear) && hear(whisper));
  });
  return {
    shared: own !== undefined,
    now: (at) => call('storeTime', at),
    async beat(server, ages, at) {
      engine.listenAs?.(server.id);
      return call('beatServer', server, ages, at);
    },
    end: (id) => call('endServer', id),
    send: (receiver, body, at) => call('sendLetter', receiver, body, at),
    take: (receiver) => call('takeLetters', receiver),
    claimStream: ({ name, id }, instance, claim, at) => call('claimStream', { name, id }, instance, claim, at),
    releaseStream: ({ name, id }, stream) => call('releaseStream', { name, id }, stream),
    standings: (after = 0, limit = Number.POSITIVE_INFINITY) => call('clusterStandings', after, limit),
    standingsOf: (ids) => call('standingsOf', ids),
    keepFree: ({ name, id }, stream, report) => call('keepFree', { name, id }, stream, report),
    free: ({ name, id }) => call('getFree', { name, id }),
    claimPending: (claim, limit, after, known, at) => call('claimPending', claim, limit, after, known, at),
    async others(seq, limit) {
      if (own === undefined) return { events: [], upTo: await call('lastEvent'), more: false, missed: false };
      own.forget(seq);
      // What is ours alone need not be read; and who reads waits for the writes before it, so these are known then.
      const from = own.after(seq);
      const { events: read, pruned } = await call('eventsToFollow', from, limit);
      // Numbers have no gaps but those of retention; of our own events nobody here has to be told.
      let upTo = from;
      let missed = false;
      for (const { seq: number } of read) {
        if (number > own.after(upTo) + 1) missed = true;
        upTo = number;
      }
      upTo = own.after(upTo);
      const more = read.length === limit;
      if (!more && pruned > upTo) missed = true;
      return { events: read.filter((event) => !own.has(event.seq)), upTo, more, missed };
    },
    async newest() {
      const last = await call('lastEvent');
      return Math.max(last, await call('prunedEvents'));
    },
    ownAfter: (seq) => own?.after(seq) ?? Number.MAX_SAFE_INTEGER,
    listen(hear) {
      const each = (whisper: Whisper): void => hear(whisper);
      hearers.add(each);
      return () => void hearers.delete(each);
    },
  };
}

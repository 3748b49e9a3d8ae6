/**
 * Events of everybody as pages, read and encoded once for all who watch: those who follow stand at the same number
 * nearly always, and those who read from the beginning fall in with each other at the ends of pages.
 * Invariant: a page is answered only where it is full, or was read when the newest event was at least the one asked for.
 */
import { EventSchema } from '../../gen/rainbow/v1/job_pb.js';
import { EventBatchSchema, type EventBatch } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Store } from '../../store/store.ts';
import { sharedAnswer } from '../edge/shared-answer.ts';
import { eventToWire } from './convert.ts';

/** Events of a page at most. */
export const PAGE = 256;
/** Pages that are kept: some 10 MB. */
const MOST_PAGES = 32;

export interface EventPage {
  readonly batch: EventBatch;
  /** The number of its last event; the one it was asked after where it is empty. */
  readonly last: number;
  /** There may be more at once. */
  readonly isFull: boolean;
  /** The newest event before it was read: one that is not full has shown all up to there. */
  readonly newest: number;
  /** Of the events up to this number some were deleted, when it had been read. */
  readonly pruned: number;
}

export interface EventPages {
  /** The events after `seq`; those up to `newest` at least, as far as they fit. */
  after(seq: number, newest: number): Promise<EventPage>;
}

export type EventFilter = Parameters<Store['events']['after']>[2];

/** Reads one page, of everybody or what the filter lets through. */
export async function readPage(
  store: Pick<Store, 'events' | 'retention'>,
  seq: number,
  limit = PAGE,
  filter: EventFilter = {},
): Promise<EventPage> {
  const newest = await store.events.last();
  const events = await store.events.after(seq, limit, filter);
  const pruned = await store.retention.prunedEvents();
  return {
    batch: sharedAnswer(EventBatchSchema, {
      events: events.map((event) => sharedAnswer(EventSchema, eventToWire(event))),
    }),
    last: events.at(-1)?.seq ?? seq,
    isFull: events.length === limit,
    newest,
    pruned,
  };
}

export function createEventPages(store: Pick<Store, 'events' | 'retention'>): EventPages {
  /** By the number they begin after; the one that was used longest ago first. */
  const pages = new Map<number, Promise<EventPage>>();

  return {
    async after(seq, newest) {
      for (;;) {
        const known = pages.get(seq);
        const reading = known ?? readPage(store, seq, PAGE - (seq % PAGE));
        pages.delete(seq);
        pages.set(seq, reading);
        if (pages.size > MOST_PAGES) pages.delete(pages.keys().next().value as number);
        const forget = (): void => {
          if (pages.get(seq) === reading) pages.delete(seq);
        };
        let page: EventPage;
        try {
          page = await reading;
        } catch (error) {
          forget();
          throw error;
        }
        if (page.isFull || page.newest >= newest) return page;
        forget();
      }
    },
  };
}

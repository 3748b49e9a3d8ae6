/** JobService, one file per call. */
import { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import { bind, type Binding } from '../call.ts';
import type { Parts } from '../parts.ts';
import { cancel } from './cancel.ts';
import { createEventPages } from './event-pages.ts';
import { explain } from './explain.ts';
import { get } from './get.ts';
import { hold, release } from './hold.ts';
import { list } from './list.ts';
import { match } from './match.ts';
import { readOutput } from './read-output.ts';
import { submit } from './submit.ts';
import { submitMany } from './submit-many.ts';
import { watchEventBatches, watchEvents } from './watch-events.ts';

export function jobHandlers(parts: Parts): Binding {
  const pages = createEventPages(parts.store);
  return bind(JobService, {
    submit: submit(parts),
    submitMany: submitMany(parts),
    match: match(parts),
    get: get(parts),
    list: list(parts),
    hold: hold(parts),
    release: release(parts),
    cancel: cancel(parts),
    explain: explain(parts),
    watchEvents: watchEvents(parts, pages),
    watchEventBatches: watchEventBatches(parts, pages),
    readOutput: readOutput(parts),
  });
}

/** `rainbow job …`: one job. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addCancel } from './job/cancel.ts';
import { addEvents } from './job/events.ts';
import { addFetch } from './job/fetch.ts';
import { addHold } from './job/hold.ts';
import { addLogs } from './job/logs.ts';
import { addRelease } from './job/release.ts';
import { addShow } from './job/show.ts';
import { addWait } from './job/wait.ts';

export function addJob(parent: Command, run: Run): void {
  const job = parent.command('job').description('show, follow, hold and cancel a job');
  addShow(job, run);
  addWait(job, run);
  addLogs(job, run);
  addFetch(job, run);
  addEvents(job, run);
  addHold(job, run);
  addRelease(job, run);
  addCancel(job, run);
}

/** `rainbow receive`: the prototype's pull, for scripts: take what is assigned to this cluster, and accept all of it. */
import type { Command } from 'commander';
import { RainbowError } from '../../core/errors.ts';
import { connect } from '../connection.ts';
import type { Invocation, Run } from '../invocation.ts';
import { wholeNumber } from '../options.ts';
import { clean } from '../paint.ts';
import { clusterAccess } from '../settings.ts';

interface Options {
  readonly maxJobs: number;
  readonly requestSecret?: string;
  readonly secret?: string;
  readonly accept: boolean;
}

export function addReceive(parent: Command, run: Run): void {
  parent
    .command('receive')
    .description('take the jobs that are assigned to a cluster, and accept them; for scripts (else use an agent)')
    .option('-j, --max-jobs <count>', 'at most this many; 0 for all', wholeNumber(0, 2 ** 31 - 1), 0)
    .option('--request-secret <secret>', 'the cluster’s secret [RAINBOW_SECRET; the configuration]')
    .option('-s, --secret <secret>', 'the same')
    .option('--no-accept', 'only take them; what is not accepted comes back after a while')
    .addHelpText(
      'after',
      '\nA job that was accepted this way is never reported to have ended. Ids are the\ncluster’s own, from 1.',
    )
    .action(run(receive));
}

/** What the prototype's clients get of a job. */
interface ReceivedJob {
  readonly id: number;
  readonly cluster: string;
  readonly name: string;
  readonly jobspec: string;
}

async function receive(invocation: Invocation, options: Options): Promise<void> {
  const { name, secret, carries } = await clusterAccess(invocation, options.requestSecret ?? options.secret);
  const { jobs, accepted } = await connect(invocation, { anonymous: true, carries }, async (client, signal) => {
    const answer = await client.prototype.receiveJobs({ cluster: name, secret, maxJobs: options.maxJobs }, { signal });
    const jobs = Object.entries(answer.jobs).map(([id, text]) => readJob(Number(id), text));
    const jobids = jobs.map(({ id }) => id);
    if (!options.accept || jobids.length === 0) return { jobs, accepted: false };
    const { status } = await client.prototype.acceptJobs({ cluster: name, secret, jobids }, { signal });
    const { AcceptJobsResponse_ResultType: Result } = await import('../../gen/prototype/rainbow_pb.js');
    if (status !== Result.SUCCESS) {
      throw new RainbowError('aborted', 'not all of these jobs were still there to be accepted; receive again');
    }
    return { jobs, accepted: true };
  });
  invocation.result({ cluster: name, accepted, jobs }, () =>
    jobs.length === 0
      ? `no jobs for ${name}`
      : [
          `${accepted ? 'accepted' : 'received'} ${jobs.length} ${jobs.length === 1 ? 'job' : 'jobs'} for ${name}:`,
          ...jobs.map((job) => `  ${job.id}  ${clean(job.name)}`),
        ].join('\n'),
  );
}

function readJob(id: number, text: string): ReceivedJob {
  return { ...(JSON.parse(text) as ReceivedJob), id };
}

/** `rainbow submit`: answered once the job is durable. */
import { Option, type Command } from 'commander';
import type { RainbowClient } from '../../client/client.ts';
import { readTime } from '../../core/jobspec/time.ts';
import type { Cluster } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Job } from '../../gen/rainbow/v1/job_pb.js';
import { connect, operatorOptions } from '../connection.ts';
import { addHandling, handlingOf } from '../handling.ts';
import { credentialsFor, tokensSent } from '../credentials.ts';
import { inFlagWords, SUBMIT_FLAGS } from '../flag-errors.ts';
import { Stopped, UsageError } from '../exit.ts';
import { readInput } from '../files.ts';
import type { Invocation, Run } from '../invocation.ts';
import { namingFile } from '../jobspec-errors.ts';
import { nativeLines, nativeRenderings, serving, unheededLines, whoIsAway } from '../native-renderings.ts';
import { clean } from '../paint.ts';
import { collect, collectAfter, collectPairs, wholeNumber } from '../options.ts';
import { candidateJson, candidateLines, decisionJson, openingJson, openingLines } from '../present/decision.ts';
import { jobJson, jobLine } from '../present/job.ts';
import { busyNumber, dependencyNumber, lossNumber, ON_CLUSTER_LOSS, stateWord } from '../present/words.ts';
import { readSettings } from '../settings.ts';
import { checkNamed } from '../named-files.ts';
import { stage, submitStaged, type Staged } from '../stage.ts';
import { findStaged } from '../staged-files.ts';
import type { SubmitOptions } from '../submit-options.ts';
import { readRequests, type SubmitRequest } from '../submit-requests.ts';
import { startTimeLimit } from '../time-limit.ts';
import { wireMoment } from '../times.ts';
import { waitedExitCode, waitForEnd } from '../wait.ts';
import { unlooked, waitingOf, whatWouldCome } from '../would-come.ts';
import { wrapped } from '../wrap.ts';

export function addSubmit(parent: Command, run: Run): void {
  const command = parent
    .command('submit')
    .description('submit a job; answers once it is safe on the server’s disk')
    .usage('[options] [-- program arguments...]')
    .argument('[program...]', 'what to run, after --')
    .optionsGroup('What it needs:')
    .option('-n, --nodes <count>', 'nodes', wholeNumber(1))
    .option('-t, --tasks <count>', 'tasks in all, spread over the nodes', wholeNumber(1))
    .option('--cores <count>', 'cores of each task', wholeNumber(1))
    .option('--gpus <count>', 'gpus of each task', wholeNumber(0))
    .option('--memory <amount>', 'memory of each node: 64GB, 4GiB')
    .option('--time <span>', 'how long it may run: 90s, 10m, 1h30m, 01:30:00; a number alone means seconds')
    .option('-p, --partition <name>', 'partition of Slurm, queue of Flux; several with commas')
    .option('-A, --account <name>', 'account of Slurm, bank of Flux')
    .option('--image <reference>', 'container image')
    .option('--compatibility <file>', 'what that image needs of a node, instead of what its registry says')
    .option('--cwd <folder>', 'folder that it begins in')
    .option('--env <key=value>', 'environment variable (repeatable)', collectPairs)
    .option('-c, --command <text>', 'what to run, as one text, instead of -- program arguments...')
    .option('--jobspec <file>', 'a jobspec, YAML or JSON, instead of all of these; - for standard input')
    .optionsGroup('What you have already, the options above over what it says:')
    .option('--batch <file>', 'a batch script, of sbatch or Flux, told apart by its directives; arguments after --')
    .addOption(new Option('--from <system>', 'what the script of --batch is').choices(['sbatch', 'flux']))
    .option('--kubernetes <file>', 'Kubernetes Jobs, YAML or JSON; one job for each')
    .option('--allow-lossy', 'even where something of it is lost, in translating it or to a cluster’s own scheduler')
    .optionsGroup('Where it may go:')
    .option('--cluster <name>', 'only to this cluster (repeatable)', collect)
    .option('--group <name>', 'only to this cluster group (repeatable)', collect)
    .option('--token <token>', 'the token of the cluster or group named; else the configuration’s')
    .option('--policy <name>', 'selection policy; else the server’s')
    .option('--policy-option <key=value>', 'an option of that policy (repeatable)', collectPairs)
    .option('--ask', 'ask the clusters for bids before one is chosen; else as the server is set')
    .option('--no-ask', 'choose from match and state, without asking')
    .option('--bid-within <span>', 'how long answers are waited for: 500ms, 2s')
    .option('--rebid', 'while it waits, let it move to a better bid; else as the server is set')
    .option('--no-rebid', 'keep it where it is')
    .option(
      '--wait-for-cluster',
      'where no cluster can hold it today, wait for one that can, instead of being rejected',
    )
    .option('--queue', 'where a cluster could hold it and is busy, wait in that cluster’s queue')
    .option('--no-queue', 'the same, but wait here until it could start')
    .optionsGroup('Files that travel with it:')
    .option(
      '--stage-in <path>',
      'a file or folder that goes along, into the folder in which it begins (repeatable)',
      collect,
    )
    .option(
      '--stage-out <pattern>',
      'what comes back from there, for "rainbow job fetch": results/*.csv (repeatable)',
      collect,
    )
    .optionsGroup('When it may run, and how often:')
    .option(
      '--after <job>',
      'after other jobs of yours: ID or afterok:ID, afterany:ID, afternotok:ID, after:ID[+MINUTES], singleton (repeatable, commas)',
      collectAfter,
    )
    .option('--array <indices>', 'many tasks under one id: 0-9,20-30:2, and %5 behind it for at most five at once')
    .option('--begin <time>', 'not before: +2h, 2030-01-31T12:00 (this machine’s time) or with a zone, as in 12:00Z')
    .option('--start-before <time>', 'start by then, or fail')
    .option('--deadline <time>', 'end by then, or be stopped; not started where its --time no longer fits')
    .option('--hold', 'keep it until "rainbow job release"')
    .optionsGroup('How it is kept:')
    .option('--name <name>', 'its name')
    .addOption(new Option('--job-name <name>', 'the same').hideHelp())
    .option('--priority <number>', 'higher first', wholeNumber(-(2 ** 31), 2 ** 31 - 1))
    .option('--idempotency-key <text>', 'the same key again gives the same job instead of a second one')
    .addOption(
      new Option('--on-cluster-loss <what>', 'what to do when its cluster goes silent').choices([...ON_CLUSTER_LOSS]),
    )
    .optionsGroup('What happens then:')
    .option('--dry-run', 'only say which clusters could hold it, and why not the others; nothing is stored')
    .option('--wait', 'follow it to its end; exit with 0 if it completed, else 1')
    .option('--timeout <span>', 'with --wait: at most so long, then exit with 1; the job goes on: 90s, 10m, 1h30m')
    .option('--propagate-exit', 'with --wait: exit with the job’s own exit code')
    .addHelpText(
      'after',
      `
Examples:
  rainbow submit -- hostname
  rainbow submit --nodes 2 --tasks 8 --cores 4 --time 1h --wait -- ./sim in.dat
  rainbow submit --jobspec job.yaml --cluster red --cluster blue --json
  rainbow submit --batch job.sh --time 2h -- input.dat
  rainbow submit --array 0-99 --after 17 -- sh -c './step $RAINBOW_ARRAY_INDEX'
  rainbow submit --stage-in model.py --stage-out 'out/**' -- python3 model.py
  rainbow submit --begin +8h --deadline 2030-01-31T12:00Z --time 2h -- ./report`,
    );
  addHandling(command.optionsGroup('What happens when it fails, lies about, or writes much:'));
  operatorOptions(command.optionsGroup('Who asks:')).action(
    run<SubmitOptions>((invocation, options, words) => {
      refuseBefore(parent, options, words);
      return submit(invocation, options, words);
    }),
  );
}

/** Commander puts words before -- and after it together: with a program after it the first are a slip. */
function refuseBefore(program: Command, options: SubmitOptions, words: readonly string[]): void {
  const { rawArgs } = program as Command & { readonly rawArgs: readonly string[] };
  const after = rawArgs.indexOf('--') < 0 ? words.length : rawArgs.length - rawArgs.indexOf('--') - 1;
  if (words.length <= after) return;
  const [first = ''] = words;
  const partition = options.queue === undefined ? '' : ` (--queue takes no name; a partition is --partition ${first})`;
  const slip = words.slice(0, words.length - after).join(' ');
  throw new UsageError(
    `what is run goes after --; ${JSON.stringify(slip)} before it belongs to no option${partition}.`,
  );
}

async function submit(invocation: Invocation, options: SubmitOptions, words: readonly string[]): Promise<number> {
  if (options.propagateExit === true && options.wait !== true) throw new UsageError('--propagate-exit needs --wait.');
  if (options.timeout !== undefined && options.wait !== true) throw new UsageError('--timeout needs --wait.');
  if (options.timeout !== undefined) readTime(options.timeout, '--timeout');
  if (options.dryRun === true && options.wait === true) throw new UsageError('--dry-run stores nothing to --wait for.');
  const handling = handlingOf(options);
  const requests = await readRequests(invocation, options, words);
  const found = await findStaged(options.stageIn ?? []);
  await checkNamed(invocation, options, requests, found);
  const compatibility =
    options.compatibility === undefined ? '' : await readInput(invocation.io, options.compatibility);
  const settings = await readSettings(invocation);
  const isOperator = options.operator === true || options.secret !== undefined;
  const credentials = credentialsFor(settings, options, isOperator || options.dryRun === true);
  const clusters = [...(options.cluster ?? [])];

  const sent = { ...options, ...tokensSent(options, credentials, settings.configPath) };
  return connect(invocation, sent, async (client, signal) => {
    const restage = () => stage(invocation, client, options, found, signal, credentials);
    const staged = await restage();
    let worst = 0;
    for (const [index, request] of requests.entries()) {
      const named = <T>(work: Promise<T>): Promise<T> =>
        namingFile(options.jobspec, request.jobspec, inFlagWords(SUBMIT_FLAGS, options, work));
      const parts = {
        request,
        handling,
        compatibility,
        staged,
        restage,
        index: requests.length > 1 ? index : null,
        credentials,
        clusters,
        named,
      };
      const code =
        options.dryRun === true
          ? await dryRun(invocation, client, parts, options, signal)
          : await one(invocation, client, options, parts, signal);
      if (worst === 0) worst = code;
    }
    return worst;
  });
}

function biddingOf({ ask, bidWithin, rebid }: SubmitOptions) {
  return {
    ...(ask === undefined ? {} : { ask }),
    ...(bidWithin === undefined ? {} : { bidWithin: readTime(bidWithin, '--bid-within') }),
    ...(rebid === undefined ? {} : { rebid }),
  };
}

interface Parts {
  readonly request: SubmitRequest;
  readonly handling: ReturnType<typeof handlingOf>;
  /** A document; '' where none is given. */
  readonly compatibility: string;
  readonly staged: Staged;
  readonly restage: () => Promise<Staged>;
  /** Which of several; null for the only one. */
  readonly index: number | null;
  readonly credentials: { name: string; token: string }[];
  readonly clusters: string[];
  /** Errors about the jobspec name its file. */
  readonly named: <T>(work: Promise<T>) => Promise<T>;
}

async function one(
  invocation: Invocation,
  client: RainbowClient,
  options: SubmitOptions,
  { request, handling, compatibility, staged, restage, index, credentials, clusters, named }: Parts,
  signal: AbortSignal,
): Promise<number> {
  const key = options.idempotencyKey ?? '';
  const asked = submitStaged(staged, restage, () =>
    client.jobs.submit(
      {
        ...whenOf(invocation, options, request),
        jobspec: request.jobspec,
        name: request.name,
        credentials,
        clusters,
        policy: options.policy ?? '',
        policyOptions: { ...options.policyOption },
        // Each of several is a job of its own.
        idempotencyKey: key === '' || index === null ? key : `${key}/${index + 1}`,
        priority: options.priority ?? request.when?.priority ?? 0,
        onClusterLoss: lossNumber(options.onClusterLoss),
        ...handling,
        ...biddingOf(options),
        ...staged,
        compatibility,
      },
      { signal },
    ),
  );
  const { job, created, decision, openings } = await named(asked);
  if (job === undefined) throw new Error('the server answered without a job');
  if (!created) await tellOtherJobspec(invocation, client, job.id, request.jobspec, signal);
  const state = stateWord(job.state);
  const rejected = state === 'rejected';
  if (created && job.cluster !== '') {
    // What it was decided with.
    const at = decision?.candidates.filter(({ cluster }) => cluster === job.cluster) ?? [];
    // The job is stored: what is said beside that stops nothing.
    const there = await client.clusters.get({ name: job.cluster }, { signal }).catch(() => null);
    const lines = await unheededLines(request.jobspec, at, async () => (there === null ? [] : [there]));
    lines.forEach(invocation.say);
    const once = there === null ? null : whoIsAway(there);
    if (once !== null) invocation.say(`${clean(job.cluster)}: it starts once ${clean(once)}`);
  }
  const show = (shown: Job): void => {
    const document = {
      ...jobJson(shown),
      created,
      decision: decision === undefined ? null : decisionJson(decision),
      ...(rejected ? { openings: openings.map(openingJson) } : {}),
      ...(request.translation === null ? {} : { translation: request.translation }),
    };
    invocation.result(document, () => {
      const line = jobLine(invocation.paint, shown);
      const again = created ? '' : ' (that idempotency key had been used: this is the earlier job)';
      return rejected
        ? wrapped(
            [line, ...candidateLines(invocation.paint, decision?.candidates ?? []), ...openingLines(openings)],
            invocation.io.stdout,
          ).join('\n')
        : line + again;
    });
  };
  // Canceled as soon as it was there: what it was to start after never comes.
  const neverRuns = rejected || (state === 'canceled' && job.startedAt === undefined);
  if (options.wait !== true || neverRuns) {
    show(job);
    return neverRuns ? 1 : 0;
  }
  const limit = startTimeLimit(invocation.io, options.timeout);
  try {
    if (!invocation.json) invocation.say(jobLine(invocation.paint, job));
    const ended = await waitForEnd(invocation, client, job.id, { isReached: true, limit });
    show(ended);
    return waitedExitCode(ended, stateWord(ended.state), options.propagateExit === true);
  } catch (error) {
    if (error instanceof Stopped) {
      invocation.say(`job ${job.id} goes on; follow it with: rainbow job wait ${job.id}`);
    }
    throw error;
  } finally {
    limit?.end();
  }
}

/** What flags say counts over what the file said. */
function whenOf({ io }: Invocation, options: SubmitOptions, { when }: SubmitRequest) {
  const now = io.system.clock.now();
  const times = {
    beginAt: wireMoment(options.begin ?? when?.begin ?? undefined, '--begin', now),
    startBefore: wireMoment(options.startBefore, '--start-before', now),
    deadline: wireMoment(options.deadline ?? when?.deadline ?? undefined, '--deadline', now),
  };
  const given = Object.fromEntries(Object.entries(times).filter(([, time]) => time !== undefined));
  return {
    ...(given as { [K in keyof typeof times]?: NonNullable<(typeof times)[K]> }),
    dependencies: (options.after ?? when?.dependencies ?? []).map(({ kind, on, minutes = 0 }) => ({
      kind: dependencyNumber(kind),
      on: on === '' ? '0' : on,
      minutes,
    })),
    array: options.array ?? when?.array ?? '',
    hold: options.hold ?? when?.hold ?? false,
    waitForCluster: options.waitForCluster === true,
    whenBusy: busyNumber(options.queue === undefined ? undefined : options.queue ? 'queue' : 'wait'),
  };
}

/** The key says that it is the same job. Where it is not, the earlier one is answered all the same, and this is said. */
async function tellOtherJobspec(
  invocation: Invocation,
  client: RainbowClient,
  id: string,
  jobspec: string,
  signal: AbortSignal,
): Promise<void> {
  const earlier = await client.jobs.get({ id }, { signal });
  if (earlier.jobspec === jobspec) return;
  invocation.say(
    `that idempotency key belongs to job ${id}, which has another jobspec: what you ask for now was not submitted; ` +
      'choose another key to submit it',
  );
}

async function dryRun(
  invocation: Invocation,
  client: RainbowClient,
  { request, compatibility, credentials, clusters, named }: Parts,
  options: SubmitOptions,
  signal: AbortSignal,
): Promise<number> {
  const { jobspec, translation } = request;
  const { clusters: all } = await client.clusters.list({}, { signal });
  const mayWait = options.waitForCluster === true;
  const today = mayWait ? registeredOf(clusters, credentials, all) : clusters;
  const { candidates: found, openings } = await named(
    client.jobs.match({ jobspec, credentials, clusters: today, compatibility }, { signal }),
  );
  const now = invocation.io.system.clock.now();
  const { walltime } = (await import('../../core/jobspec/read.ts')).readJobspec(jobspec);
  const waiting = await named(waitingOf(client, whenOf(invocation, options, request), walltime, now, signal));
  // Of clusters that are all to come none can hold it yet.
  const candidates = clusters.length > 0 && today.length === 0 ? [] : found;
  const natives = await nativeRenderings(jobspec, candidates, all);
  const unheeded = await unheededLines(jobspec, candidates, async () => all);
  const { barred, absent, lines } = await serving(jobspec, candidates, all, now);
  const comes = whatWouldCome(candidates, barred, waiting, mayWait);
  const document = {
    candidates: candidates.map(candidateJson),
    openings: openings.map(openingJson),
    native: natives,
    unheeded,
    comesTo: comes,
    ...(translation === null ? {} : { translation }),
  };
  invocation.result(document, () =>
    [
      ...wrapped(
        [
          ...candidateLines(invocation.paint, candidates, undefined, barred, absent),
          ...openingLines(openings),
          ...lines,
          ...unheeded,
        ],
        invocation.io.stdout,
      ),
      ...natives.flatMap(nativeLines),
      ...(options.ask === true ? ['a dry run asks nobody for a bid: the submit itself will'] : []),
      ...unlooked(options),
      comes.words === '' ? 'nothing was stored' : `nothing was stored: submitted so, ${comes.words}`,
    ].join('\n'),
  );
  return comes.state === 'assigned' || comes.state === 'pending' ? 0 : 1;
}

/** Of those that were named, the ones that are there: others may come to a group, and to an operator who says no name. */
function registeredOf(
  named: readonly string[],
  credentials: readonly { readonly name: string }[],
  all: readonly Cluster[],
): string[] {
  const isThere = (name: string): boolean => all.some((each) => each.name === name);
  const mayCome = credentials.length === 0 || credentials.some(({ name }) => !isThere(name));
  return named.filter((name) => !mayCome || isThere(name));
}

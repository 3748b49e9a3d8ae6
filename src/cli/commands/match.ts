/** `rainbow match`: does each jobspec fit this graph? Without a server, by the core itself. */
import type { Command } from 'commander';
import type { MatchReason, Verdict } from '../../core/match/matcher.ts';
import { RainbowError } from '../../core/errors.ts';
import { UsageError } from '../exit.ts';
import { readInput } from '../files.ts';
import { readGraphFiles } from '../graph-files.ts';
import type { Invocation, Run } from '../invocation.ts';
import { collect, collectFiles, wholeNumber, type NamedFile } from '../options.ts';
import { cleanLines } from '../paint.ts';
import { reasonLines } from '../present/match.ts';

interface Options {
  readonly graph: string;
  readonly subsystem?: readonly NamedFile[];
  readonly jobspec?: readonly string[];
  readonly budget?: number;
  readonly exitCode?: boolean;
}

export function addMatch(parent: Command, run: Run): void {
  parent
    .command('match')
    .description('does each jobspec fit this graph? (without a server)')
    .argument('[jobspec...]', 'more jobspecs')
    .requiredOption('--graph <file>', 'resource graph, JGF version 2')
    .option('--subsystem <name=file>', 'a subsystem of it (repeatable)', collectFiles)
    .option('--jobspec <file>', 'jobspec, YAML or JSON; - for standard input (repeatable)', collect)
    .option('--budget <steps>', 'search steps per jobspec before the answer is "unknown"', wholeNumber(1))
    .option('--exit-code', 'exit with 1 unless every jobspec fits')
    .addHelpText(
      'after',
      `
Examples:
  rainbow match --graph examples/graphs/two-nodes.json --jobspec examples/jobspecs/one-core.yaml
  rainbow match --graph cluster.json --subsystem io=io.json jobs/*.yaml --json`,
    )
    .action(run(match));
}

type Answer = { readonly jobspec: string } & (
  | { readonly fits: Verdict['fits']; readonly reasons: readonly MatchReason[] }
  | { readonly fits: null; readonly error: { readonly code: string; readonly message: string } }
);

async function match(invocation: Invocation, options: Options, args: readonly string[]): Promise<number> {
  const files = [...(options.jobspec ?? []), ...args];
  if (files.length === 0) throw new UsageError('which jobspec? Give at least one with --jobspec FILE.');
  const [{ createMatcher }, { readJobspec }] = await Promise.all([
    import('../../core/match/create.ts'),
    import('../../core/jobspec/read.ts'),
  ]);
  const { io } = invocation;
  const { graph, subsystems } = await readGraphFiles(io, options.graph, options.subsystem ?? []);
  const matcher = createMatcher(options.budget === undefined ? {} : { budget: options.budget });
  matcher.setCluster(
    'graph',
    graph,
    subsystems.map(({ subsystem }) => subsystem),
  );

  let failed = 0;
  let unfit = 0;
  for (const file of files) {
    let answer: Answer;
    try {
      const jobspec = readJobspec(await readInput(io, file));
      answer = { jobspec: file, ...matcher.satisfiable('graph', jobspec.request) };
      if (answer.fits !== 'yes') unfit++;
    } catch (error) {
      // One bad jobspec says nothing about the others.
      if (!(error instanceof RainbowError)) throw error;
      failed++;
      answer = { jobspec: file, fits: null, error: { code: error.code, message: error.message } };
    }
    if (invocation.json) invocation.print(JSON.stringify(answer));
    else for (const line of lines(invocation, answer)) invocation.print(line);
  }
  return failed > 0 || (options.exitCode === true && unfit > 0) ? 1 : 0;
}

function lines({ paint }: Invocation, answer: Answer): string[] {
  const name = answer.jobspec === '-' ? 'standard input' : answer.jobspec;
  if (answer.fits === null) {
    return [`${name}: ${paint.red('error')}: ${cleanLines(answer.error.message)}`];
  }
  if (answer.fits === 'yes') return [`${name}: ${paint.green('yes')}`];
  const word = answer.fits === 'no' ? paint.red('no') : paint.yellow('unknown');
  const [first, ...more] = reasonLines(answer.reasons);
  return [`${name}: ${word}${first === undefined ? '' : `: ${first}`}`, ...more.map((line) => `  ${line}`)];
}

/** `rainbow match`: does each jobspec fit this graph? Without a server, by the core itself. */
import type { Command } from 'commander';
import type { RDocument } from '../../core/match/r-document.ts';
import type { MatchReason, Verdict } from '../../core/match/matcher.ts';
import { RainbowError } from '../../core/errors.ts';
import { UsageError } from '../exit.ts';
import { readInput } from '../files.ts';
import { readGraphFiles } from '../graph-files.ts';
import type { Invocation, Run } from '../invocation.ts';
import { collect, collectFiles, wholeNumber, type NamedFile } from '../options.ts';
import { clean, cleanLines } from '../paint.ts';
import { reasonLines } from '../present/match.ts';

interface Options {
  readonly graph: string;
  readonly subsystem?: readonly NamedFile[];
  readonly jobspec?: readonly string[];
  readonly budget?: number;
  readonly exitCode?: boolean;
  readonly placement?: boolean;
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
    .option('--placement', 'also which vertices it would take, as an R document (RFC 20)')
    .option('--exit-code', 'exit with 1 unless every jobspec fits')
    .addHelpText(
      'after',
      `
Examples:
  rainbow match --graph examples/graphs/gpu-cluster.json \\
    --jobspec examples/jobspecs/rfc14.yaml
  rainbow match --graph cluster.json --subsystem io=io.json jobs/*.yaml --json`,
    )
    .action(run(match));
}

type Answer = { readonly jobspec: string } & (
  | { readonly fits: Verdict['fits']; readonly reasons: readonly MatchReason[]; readonly placement?: RDocument }
  | { readonly fits: null; readonly error: { readonly code: string; readonly message: string } }
);

async function match(invocation: Invocation, options: Options, args: readonly string[]): Promise<number> {
  const files = [...(options.jobspec ?? []), ...args];
  if (files.length === 0) throw new UsageError('which jobspec? Give at least one with --jobspec FILE.');
  const [{ createMatcher }, { rDocument }, { readJobspec }] = await Promise.all([
    import('../../core/match/create.ts'),
    import('../../core/match/r-document.ts'),
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
      const witness = options.placement === true ? matcher.place('graph', jobspec.request, 'all') : null;
      if (witness !== null) answer = { ...answer, placement: rDocument(graph, witness, { start: 0, end: 0 }) };
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
  const name = answer.jobspec === '-' ? 'standard input' : clean(answer.jobspec);
  if (answer.fits === null) {
    return [`${name}: ${paint.red('error')}: ${cleanLines(answer.error.message)}`];
  }
  if (answer.fits === 'yes') {
    const placement = answer.placement === undefined ? [] : [JSON.stringify(answer.placement, null, 2)];
    return [`${name}: ${paint.green('yes')}`, ...placement];
  }
  const word = answer.fits === 'no' ? paint.red('no') : paint.yellow('unknown');
  const [first, ...more] = reasonLines(answer.reasons);
  return [`${name}: ${word}${first === undefined ? '' : `: ${first}`}`, ...more.map((line) => `  ${line}`)];
}

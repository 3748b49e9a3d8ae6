/**
 * Whatever is read: a jobspec that can be submitted, or an error that says where; never a crash or a hang, and nothing
 * that was asked for goes missing from the report.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RainbowError } from '../errors.ts';
import { launchPlan } from '../jobspec/launch.ts';
import { checkTasks, readJobspec } from '../jobspec/read.ts';
import { NO_CONTEXT } from './context.ts';
import { BATCH_OPTIONS } from './flux/options.ts';
import { readFluxDirectives } from './flux/script.ts';
import { readOptions } from './getopt.ts';
import { TARGETS, render } from './render/render.ts';
import { Report } from './report.ts';
import { SBATCH_OPTIONS } from './slurm/options.ts';
import { readDirectives } from './slurm/script.ts';
import { caseSeed, fuzzCount } from './testing/cases.ts';
import { kubernetesDocuments } from './testing/jobs.ts';
import { fluxCommands, fluxScripts, sbatchScripts } from './testing/scripts.ts';
import { jobspecDocuments } from './testing/specs.ts';
import { formOf, translate } from './translate.ts';
import type { Form, Translation } from './translate.ts';
import { cpuTime } from '../../system/testing/cpu-time.ts';

const numRuns = fuzzCount(5000);
/** Milliseconds; a million documents take about an hour. */
const TIMEOUT = 60_000 + numRuns * 10;
const context = { ...NO_CONTEXT, environment: { HOME: '/home/ada', A: 'b' } };
/** Seconds for one document; a reader needs a few milliseconds, so this is a hang. */
const HANG = 5000;

/** A refusal of the input; anything else is thrown on. */
function refused(error: unknown): string {
  if (!(error instanceof RainbowError) || error.code !== 'invalid_input') throw error;
  return error.message;
}

function read(text: string, form: Form): Translation | string {
  try {
    formOf(text);
  } catch (error) {
    refused(error);
  }
  try {
    return translate(text, form, context);
  } catch (error) {
    return refused(error);
  }
}

/** What an accepted document has to be. */
function checkAccepted({ jobs, report }: Translation): void {
  for (const { jobspec, report } of jobs) {
    const read = readJobspec(jobspec);
    checkTasks(read);
    try {
      launchPlan(read, null);
    } catch (error) {
      // Ten thousand processes are the most; that is asked for rightly.
      if (!(error instanceof RainbowError) || error.code !== 'resource_exhausted') throw error;
    }
    for (const target of TARGETS) {
      try {
        render(jobspec, target, 'a:1');
      } catch (error) {
        refused(error);
      }
    }
    for (const { line, column } of report)
      if (line === 0 || column === 0) throw new Error('lines and columns are from 1');
  }
  expect(Array.isArray(report)).toBe(true);
}

/** Every option that was given is in the report, at its place. */
function nothingMissing(script: string, form: 'sbatch' | 'flux', { jobs }: Translation): void {
  const words = form === 'flux' ? readFluxDirectives(script) : readDirectives(script, new Report()).words;
  const kinds = form === 'flux' ? BATCH_OPTIONS : SBATCH_OPTIONS;
  const said = new Set(jobs[0]!.report.map(({ line, column }) => `${line}:${column}`));
  const missing = readOptions(words, kinds, false).given.filter(({ line, column }) => !said.has(`${line}:${column}`));
  expect(missing).toEqual([]);
}

const PLACE = /line \d+, column \d+/;

describe('fuzz', () => {
  test.each([
    ['sbatch', sbatchScripts, 0.05],
    ['flux', fluxScripts, 0.03],
    ['flux-command', fluxCommands, 0.03],
    ['kubernetes', kubernetesDocuments, 0.02],
  ] as const)(
    '%s',
    (form, documents, least) => {
      let accepted = 0;
      fc.assert(
        fc.property(documents, (text) => {
          const began = cpuTime();
          const answer = read(text, form);
          if (cpuTime() - began > HANG) throw new Error('took too long');
          if (typeof answer === 'string') {
            if (!PLACE.test(answer)) throw new Error(`no line and column: ${answer}`);
            return;
          }
          accepted += 1;
          if (form === 'sbatch' || form === 'flux') nothingMissing(text, form, answer);
          if (accepted % 10 === 0) checkAccepted(answer);
        }),
        { numRuns, seed: caseSeed },
      );
      expect(accepted / numRuns).toBeGreaterThan(least);
    },
    TIMEOUT,
  );

  test(
    'jobspec',
    () => {
      let accepted = 0;
      fc.assert(
        fc.property(jobspecDocuments, (text) => {
          let jobspec: ReturnType<typeof readJobspec>;
          try {
            jobspec = readJobspec(text);
          } catch (error) {
            const message = refused(error);
            if (!PLACE.test(message) && !/is empty/.test(message))
              throw new Error(`no line and column: ${message}`, { cause: error });
            return;
          }
          accepted += 1;
          for (const check of [
            () => checkTasks(jobspec),
            ...(accepted % 10 === 0 ? TARGETS.map((target) => () => render(text, target, 'a:1')) : []),
          ]) {
            try {
              check();
            } catch (error) {
              refused(error);
            }
          }
        }),
        { numRuns, seed: caseSeed },
      );
      expect(accepted / numRuns).toBeGreaterThan(0.03);
    },
    TIMEOUT,
  );
});

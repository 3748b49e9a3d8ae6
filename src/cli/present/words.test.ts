import { expect, test } from 'vitest';
import { JOB_STATES } from '../../core/job/state.ts';
import { Fits, JobState, OnClusterLoss } from '../../gen/rainbow/v1/job_pb.js';
import { OutputStream } from '../../gen/rainbow/v1/jobs_pb.js';
import {
  FITS,
  fitsWord,
  lossNumber,
  ON_CLUSTER_LOSS,
  lossWord,
  stateNumber,
  stateWord,
  STREAMS,
  streamWord,
} from './words.ts';

/** The words of a generated enumeration, in order, without its UNSPECIFIED. */
function wordsOf(enumeration: object): string[] {
  return Object.entries(enumeration)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0)
    .sort(([, a], [, b]) => a - b)
    .map(([name]) => name.toLowerCase());
}

test('the words are those of the contract, in its order', () => {
  expect([...JOB_STATES]).toEqual(wordsOf(JobState));
  expect([...ON_CLUSTER_LOSS]).toEqual(wordsOf(OnClusterLoss));
  expect([...FITS]).toEqual(wordsOf(Fits));
  expect([...STREAMS]).toEqual(wordsOf(OutputStream));
});

test('there and back; unknown numbers are null', () => {
  expect(stateWord(stateNumber('running'))).toBe('running');
  expect(stateNumber('running')).toBe(JobState.RUNNING);
  expect(lossWord(lossNumber('requeue'))).toBe('requeue');
  expect(fitsWord(Fits.NO)).toBe('no');
  expect(streamWord(OutputStream.STDERR)).toBe('stderr');
  expect(lossNumber(undefined)).toBe(OnClusterLoss.UNSPECIFIED);
  expect(stateWord(JobState.UNSPECIFIED)).toBeNull();
});

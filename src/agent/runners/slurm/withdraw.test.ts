/** The claim that an agent takes for nobody: whoever asks again leaves the proof of it alone. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { SlurmJobEntry } from './jobs.ts';
import { claimForNobody, withdrawnFor } from './withdraw.ts';

const MOVED = { code: 'moved', message: 'another cluster starts it sooner' } as const;
const LATER = { code: 'moved', message: 'asked again' } as const;

/** What a claim is made of: two folders. */
function waiting(): SlurmJobEntry {
  const dir = mkdtempSync(join(tmpdir(), 'rainbow-withdraw-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const runDir = join(dir, 'run');
  mkdirSync(runDir);
  return { dir, runDir } as SlurmJobEntry;
}

test('a second claim for nobody is none, and the first one keeps its reason', async () => {
  const job = waiting();
  expect(await claimForNobody(job, MOVED)).toBe(true);
  expect(await claimForNobody(job, LATER)).toBe(false);
  expect(await withdrawnFor(job)).toEqual(MOVED);
});

test('a claim that a wrapper has stays its own, and no mark is left', async () => {
  const job = waiting();
  writeFileSync(join(job.runDir, 'claim.0.0'), '');
  expect(await claimForNobody(job, MOVED)).toBe(false);
  expect(await withdrawnFor(job)).toBeNull();
  expect(readdirSync(job.dir)).toEqual(['run']);
});

test('an agent that died between its mark and the claim takes it with the mark that is there', async () => {
  const job = waiting();
  writeFileSync(join(job.dir, 'withdrawn'), JSON.stringify(MOVED), { mode: 0o600 });
  expect(await claimForNobody(job, LATER)).toBe(true);
  expect(await withdrawnFor(job)).toEqual(MOVED);
});

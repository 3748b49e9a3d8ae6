/** What an agent says of a job, read: whatever it says can be kept. */
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { JobReportSchema } from '../../gen/rainbow/v1/agent_pb.js';
import { JobState } from '../../gen/rainbow/v1/job_pb.js';
import { readReport } from './report.ts';

test('texts are cut, and hold no NUL: a store that cannot keep it would refuse the report for ever', () => {
  const said = create(JobReportSchema, {
    jobId: '5',
    epoch: '1',
    state: JobState.FAILED,
    nativeId: `n\0${'x'.repeat(300)}`,
    reason: { code: 'odd\0', message: `a\0b${'y'.repeat(3000)}` },
  });
  const { nativeId, reason } = readReport(said, 'report', 1000);
  expect([nativeId.slice(0, 3), nativeId.length]).toEqual(['n\uFFFDx', 256]);
  expect(reason.code).toBe('native');
  expect(reason.message.slice(0, 9)).toBe('odd\uFFFD: a\uFFFDb');
  expect(reason.message.length).toBeLessThan(2100);
});

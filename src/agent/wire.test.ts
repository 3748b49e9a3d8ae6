import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { AgentMessageSchema, RunAs, ServerMessageSchema, type ServerMessage } from '../gen/rainbow/v1/agent_pb.js';
import { JobState } from '../gen/rainbow/v1/job_pb.js';
import { OutputStream } from '../gen/rainbow/v1/jobs_pb.js';
import { decode, encode } from './wire.ts';
import type { Report, ToServer } from './messages.ts';

const report: Report = {
  jobId: '9223372036854775807',
  epoch: 3,
  state: 'failed',
  reason: { code: 'signal', message: 'SIGKILL (9)' },
  nativeId: 'n',
  acceptedAt: 1,
  startedAt: 1_767_225_600_123,
  endedAt: null,
  exitCode: 137,
  signal: 9,
};

const sent = (message: ToServer) =>
  fromBinary(AgentMessageSchema, toBinary(AgentMessageSchema, create(AgentMessageSchema, encode(message)))).message;
const heard = (init: Parameters<typeof create<typeof ServerMessageSchema>>[1]): ServerMessage =>
  create(ServerMessageSchema, init);

describe('to the server', () => {
  test('a hello says who, what is held and what is free', () => {
    const { case: kind, value } = sent({
      kind: 'hello',
      hello: {
        cluster: 'red',
        secret: 's',
        instanceId: 'i',
        instanceStartedAt: 5,
        runner: 'process',
        runAs: 'mapped',
        accounts: ['user:ann'],
        version: '1',
        holds: [report],
        free: { seq: 2, busyVertices: ['4'], includes: [{ jobId: '1', epoch: 1 }] },
        containers: 'podman',
        bids: true,
        capacity: 7,
        pick: 'smallest',
      },
    });
    expect(kind).toBe('hello');
    expect(value).toMatchObject({
      protocol: 1,
      cluster: 'red',
      instanceStartedMs: '5',
      runAs: RunAs.MAPPED,
      accounts: { owners: ['user:ann'] },
      containers: 'podman',
      capacity: 7,
      free: { seq: '2', busyVertices: ['4'], includes: [{ jobId: '1', epoch: '1' }] },
      holds: [{ jobId: report.jobId, epoch: '3', state: JobState.FAILED, exitCode: 137, signal: 9 }],
    });
  });

  test('what is not known is left out, zero is said', () => {
    const { value } = sent({ kind: 'report', report: { ...report, exitCode: 0, signal: null } });
    expect(value).toMatchObject({ exitCode: 0, startedAt: { seconds: 1_767_225_600n, nanos: 123_000_000 } });
    expect(value).not.toHaveProperty('endedAt');
    expect(value).not.toHaveProperty('signal');
  });

  test('output keeps its bytes', () => {
    const data = Uint8Array.from([0, 255, 10]);
    const { value } = sent({
      kind: 'output',
      key: report,
      pieces: [{ task: 1, stream: 'stderr', offset: 2 ** 40, data, at: 1 }],
    });
    expect(value).toMatchObject({ chunks: [{ task: 1, stream: OutputStream.STDERR, offset: String(2 ** 40), data }] });
  });
});

describe('from the server', () => {
  test('jobs to start and to stop, acknowledgements', () => {
    const array = { id: '6', index: 3, count: 10, least: 0, most: 9 };
    expect(
      decode(
        heard({
          message: {
            case: 'start',
            value: { jobId: '7', epoch: '2', name: 'n', owner: 'o', jobspec: 'j', walltime: 1.5, priority: -1, array },
          },
        }),
      ),
    ).toEqual({
      kind: 'start',
      order: { jobId: '7', epoch: 2, name: 'n', owner: 'o', jobspec: 'j', walltime: 1.5, priority: -1, array },
    });
    expect(
      decode(
        heard({
          message: {
            case: 'stop',
            value: { jobId: '7', epoch: '2', reason: { code: 'from_the_future', message: 'm' } },
          },
        }),
      ),
    ).toEqual({ kind: 'stop', key: { jobId: '7', epoch: 2 }, reason: { code: 'user', message: 'from_the_future: m' } });
    expect(
      decode(heard({ message: { case: 'reportAck', value: { jobId: '7', epoch: '2', state: JobState.COMPLETED } } })),
    ).toEqual({
      kind: 'reportAck',
      key: { jobId: '7', epoch: 2 },
      state: 'completed',
    });
  });

  test('what a newer server may say is passed over; ids that are none are refused, with the place', () => {
    expect(decode(heard({}))).toEqual({ kind: 'unknown' });
    expect(
      decode(heard({ message: { case: 'reportAck', value: { jobId: '7', epoch: '2', state: JobState.UNKNOWN } } })),
    ).toEqual({ kind: 'unknown' });
    for (const jobId of ['../../etc', '', '0', '-1', '1e3']) {
      expect(() => decode(heard({ message: { case: 'start', value: { jobId, epoch: '1' } } }))).toThrow(
        /start\.job_id/,
      );
    }
    expect(() => decode(heard({ message: { case: 'stop', value: { jobId: '1', epoch: '0' } } }))).toThrow(
      /stop\.epoch/,
    );
  });
});

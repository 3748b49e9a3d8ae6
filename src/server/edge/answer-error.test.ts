import { describe, expect, it } from 'vitest';
import { invalid, RainbowError } from '../../core/errors.ts';
import { realSystem } from '../../system/real.ts';
import { answerError, presentable } from './answer-error.ts';
import { silentLog } from './log.ts';
import { OpenCalls } from './open-call.ts';

const call = new OpenCalls().open({ method: 'a.B/C', streamsAnswers: false, peer: '::1', metadata: () => null });

describe('answerError', () => {
  it('gives an error of ours as it is, its cause left out', () => {
    const error = new RainbowError('unavailable', 'the disk is full', { cause: new Error('ENOSPC at /secret') });
    expect(answerError(error, call, silentLog, realSystem)).toEqual({
      code: 'unavailable',
      status: 14,
      message: 'the disk is full',
    });
    expect(answerError(invalid('graph.nodes', 'is missing'), call, silentLog, realSystem)).toMatchObject({
      status: 3,
      message: 'graph.nodes: is missing',
    });
  });

  it.each([new TypeError('secret'), new RainbowError('internal', 'secret'), 'secret', null])(
    'gives nothing of %s but an id that the log has',
    (error) => {
      const logged: unknown[] = [];
      const log = { ...silentLog, error: (fields: object) => logged.push(fields) };
      const { code, status, message } = answerError(error, call, log, realSystem);
      expect([code, status]).toEqual(['internal', 13]);
      const id = /request ([0-9a-f]{16})/.exec(message)?.[1];
      expect(message).not.toContain('secret');
      expect(logged).toEqual([{ request: id, method: 'a.B/C', peer: '::1', err: error }]);
    },
  );
});

describe('presentable', () => {
  it('leaves an ordinary text alone', () => {
    expect(presentable('100 % é\n𝄞')).toBe('100 % é\n𝄞');
  });

  it('cuts a long text between characters', () => {
    const cut = presentable('𝄞'.repeat(10_000));
    expect(cut).toMatch(/^(𝄞)+… \(40000 bytes in all\)$/u);
    expect(cut.isWellFormed()).toBe(true);
    expect(Buffer.byteLength(cut)).toBeLessThan(2200);
  });
});

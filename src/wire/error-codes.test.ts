import { Code } from '@connectrpc/connect';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../core/errors.ts';
import { codeOf, statusOf } from './error-codes.ts';

const names: Readonly<Record<ErrorCode, keyof typeof status>> = {
  invalid_input: 'INVALID_ARGUMENT',
  unauthenticated: 'UNAUTHENTICATED',
  permission_denied: 'PERMISSION_DENIED',
  not_found: 'NOT_FOUND',
  already_exists: 'ALREADY_EXISTS',
  failed_precondition: 'FAILED_PRECONDITION',
  aborted: 'ABORTED',
  resource_exhausted: 'RESOURCE_EXHAUSTED',
  unavailable: 'UNAVAILABLE',
  deadline_exceeded: 'DEADLINE_EXCEEDED',
  out_of_range: 'OUT_OF_RANGE',
  unimplemented: 'UNIMPLEMENTED',
  internal: 'INTERNAL',
};

describe('error codes', () => {
  it.each(Object.entries(names))('%s is %s, there and back', (code, name) => {
    const number = statusOf(code as ErrorCode);
    expect(status[number]).toBe(name);
    expect(codeOf(number)).toBe(code);
    // Connect's names are gRPC's in another spelling.
    expect(Code[number]?.toUpperCase()).toBe(name.replaceAll('_', ''));
  });

  it('every status has a code', () => {
    for (let number = 1; number <= 16; number += 1) expect(codeOf(number)).toMatch(/^[a-z_]+$/);
    expect([codeOf(1), codeOf(2), codeOf(15), codeOf(99)]).toEqual(['aborted', 'internal', 'internal', 'internal']);
  });
});

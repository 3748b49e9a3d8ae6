/** The server as Python's grpcio sees it (the prototype's Python client is built on it). Needs Python and the package index. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { skipWithout } from '../needs.ts';
import { python, pythonMissing } from '../python.ts';
import { testService } from './service.ts';

const skip = skipWithout('python-client', await pythonMissing());

const SCRIPT = `
import sys, grpc
same = lambda b: b
with grpc.insecure_channel(sys.argv[1]) as channel:
    submit = channel.unary_unary('/rainbow.v1.JobService/Submit', same, same)
    print('answer', submit(b'\\x12\\x02py', timeout=5).hex())
    watch = channel.unary_stream('/rainbow.v1.JobService/WatchEvents', same, same)
    print('stream', [m.hex() for m in watch(b'\\x08\\x03', timeout=5)])
    register = channel.stream_unary('/rainbow.v1.ClusterService/RegisterInPieces', same, same)
    print('pieces', register(iter([b'\\x0a\\x03red', b'\\x1a\\x01a', b'\\x1a\\x01b']), timeout=5).hex())
    for request in (b'\\x0a\\x06refuse\\x12\\x05n\\xc3\\xb6\\n%', b'\\x0a\\x20a', b'\\x0a\\x0duntil aborted'):
        try:
            submit(request, timeout=0.3)
        except grpc.RpcError as e:
            print('error', e.code().name, ascii(e.details())[:60])
    try:
        channel.unary_unary('/rainbow.v1.JobService/Nope', same, same)(b'', timeout=5)
    except grpc.RpcError as e:
        print('error', e.code().name)
`;

it.skipIf(skip)("speaks with Python's grpcio (skipped where it is not installed)", async () => {
  const service = await testService({ host: 'localhost:0' });
  const { stdout } = await promisify(execFile)(python, ['-c', SCRIPT, service.listener.address]);
  expect(stdout.trim().split('\n')).toEqual([
    'answer 0a060807120270791001',
    "stream ['0801', '0802', '0803']",
    'pieces 120261621a050a03726564',
    "error FAILED_PRECONDITION 'n\\xf6\\n%'",
    expect.stringMatching(/^error INVALID_ARGUMENT 'the 3 bytes sent to/) as string,
    expect.stringMatching(/^error DEADLINE_EXCEEDED/) as string,
    'error UNIMPLEMENTED',
  ]);
  await service.stop();
});

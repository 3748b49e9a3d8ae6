import { create, createFileRegistry, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
  type ServerReflectionRequest,
} from '../../src/gen/grpc/reflection/v1/reflection_pb.js';
import { testService, type TestService } from './service.ts';

let service: TestService;
let client: Client;

beforeAll(async () => {
  service = await testService();
  client = new Client(service.listener.address, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await service.stop();
});

type Asked = NonNullable<
  Exclude<MessageInitShape<typeof ServerReflectionRequestSchema>, { $typeName: string }>['messageRequest']
>;

/** Asks as grpcurl does: several questions on one stream. */
function ask(version: string, ...asked: Asked[]) {
  return new Promise<ReturnType<typeof answerOf>[]>((resolve, reject) => {
    const call = client.makeBidiStreamRequest(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      (request: ServerReflectionRequest) => Buffer.from(toBinary(ServerReflectionRequestSchema, request)),
      (bytes) => fromBinary(ServerReflectionResponseSchema, bytes),
    );
    const answers: ReturnType<typeof answerOf>[] = [];
    call.on('data', (answer: Parameters<typeof answerOf>[0]) => answers.push(answerOf(answer)));
    call.on('error', reject);
    call.on('end', () => resolve(answers));
    for (const messageRequest of asked)
      call.write(create(ServerReflectionRequestSchema, { host: 'h', messageRequest }));
    call.end();
  });
}

function answerOf(answer: ReturnType<typeof create<typeof ServerReflectionResponseSchema>>) {
  expect(answer.validHost).toBe('h');
  const { case: kind, value } = answer.messageResponse;
  switch (kind) {
    case 'listServicesResponse':
      return { kind, names: value.service.map(({ name }) => name) };
    case 'fileDescriptorResponse':
      return { kind, files: value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes)) };
    case 'errorResponse':
      return { kind, code: value.errorCode, message: value.errorMessage };
    case 'allExtensionNumbersResponse':
      return { kind, numbers: value.extensionNumber, name: value.baseTypeName };
    default:
      throw new Error('no answer');
  }
}

describe.each(['v1', 'v1alpha'])('reflection %s', (version) => {
  it('lists the services', async () => {
    const [answer] = await ask(version, { case: 'listServices', value: '' });
    expect(answer?.names).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'rainbow.v1.AgentService',
      'rainbow.v1.ClusterService',
      'rainbow.v1.JobService',
      'rainbow.v1.ServerService',
    ]);
  });

  it('gives whole files, from which a client can be built', async () => {
    const answers = await ask(
      version,
      { case: 'fileContainingSymbol', value: 'rainbow.v1.JobService' },
      { case: 'fileByFilename', value: 'google/protobuf/struct.proto' },
      { case: 'fileContainingSymbol', value: 'grpc.health.v1.Health' },
    );
    const [jobs, struct, health] = answers.map((answer) => answer.files ?? []);
    expect(jobs?.[0]?.name).toBe('rainbow/v1/jobs.proto');
    expect(jobs?.map(({ name }) => name)).toContain('google/protobuf/timestamp.proto');
    expect(struct?.[0]?.name).toBe('google/protobuf/struct.proto');
    expect(health?.[0]?.package).toBe('grpc.health.v1');
    const file = [...(jobs ?? [])].reverse();
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
    expect(registry.getService('rainbow.v1.JobService')?.method['submit']?.input.typeName).toBe(
      'rainbow.v1.SubmitRequest',
    );
  });

  it.each([
    'rainbow.v1.JobService.Submit',
    'rainbow.v1.Job',
    'rainbow.v1.Job.native_id',
    'rainbow.v1.JobState',
    'rainbow.v1.JOB_STATE_PENDING',
    'rainbow.v1.ClusterService.Register',
    'google.protobuf.Timestamp',
  ])('finds %s', async (value) => {
    const [answer] = await ask(version, { case: 'fileContainingSymbol', value });
    expect(answer?.kind).toBe('fileDescriptorResponse');
  });

  it('says what it does not know, and goes on', async () => {
    const answers = await ask(
      version,
      { case: 'fileContainingSymbol', value: 'no.such.Thing' },
      { case: 'fileByFilename', value: 'no.proto' },
      { case: 'fileContainingExtension', value: { containingType: 'rainbow.v1.Job', extensionNumber: 7 } },
      { case: 'allExtensionNumbersOfType', value: 'rainbow.v1.Job' },
      { case: 'allExtensionNumbersOfType', value: 'no.Type' },
    );
    expect(answers.map(({ kind, code }) => [kind, code])).toEqual([
      ['errorResponse', 5],
      ['errorResponse', 5],
      ['errorResponse', 5],
      ['allExtensionNumbersResponse', undefined],
      ['errorResponse', 5],
    ]);
    await expect(ask(version, { case: undefined })).rejects.toMatchObject({ code: 3 });
  });
});

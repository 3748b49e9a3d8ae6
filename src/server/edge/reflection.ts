/**
 * gRPC's server reflection, v1 and v1alpha (one shape under two names), from the descriptors that the generated code
 * carries: a tool such as grpcurl can list and call everything without a copy of the contract. A file is answered
 * together with all it imports. Our contract declares no extensions, so none are found.
 */
import {
  toBinary,
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { RainbowError } from '../../core/errors.ts';
import { ServerReflection, type ServerReflectionRequest } from '../../gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.js';
import { statusOf } from '../../wire/error-codes.ts';
import { bind, type Binding, type Handlers } from '../call.ts';

/** Reflection over `services` and itself. */
export function reflectionBindings(services: readonly DescService[]): Binding[] {
  const index = indexOf([...services, ServerReflection, ServerReflectionAlpha]);
  const handlers: Handlers<typeof ServerReflection> = {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: answer(index, request) };
      }
    },
  };
  return [
    bind(ServerReflection, handlers),
    // The two versions differ in the package's name alone; the conversion of `originalRequest` goes by its fields.
    bind(ServerReflectionAlpha, {
      async *serverReflectionInfo(requests) {
        for await (const { host, messageRequest } of requests) {
          const response = answer(index, { messageRequest } as ServerReflectionRequest);
          yield { validHost: host, originalRequest: { host, messageRequest }, messageResponse: response };
        }
      },
    }),
  ];
}

interface Index {
  readonly services: readonly string[];
  readonly fileByName: ReadonlyMap<string, DescFile>;
  readonly fileBySymbol: ReadonlyMap<string, DescFile>;
}

function answer(index: Index, { messageRequest: asked }: ServerReflectionRequest) {
  switch (asked.case) {
    case 'listServices': {
      const service = index.services.map((name) => ({ name }));
      return { case: 'listServicesResponse' as const, value: { service } };
    }
    case 'fileByFilename':
      return files(index.fileByName.get(asked.value), `file "${asked.value}"`);
    case 'fileContainingSymbol':
      return files(index.fileBySymbol.get(asked.value), `symbol "${asked.value}"`);
    case 'fileContainingExtension':
      return notFound(`extension ${asked.value.extensionNumber} of "${asked.value.containingType}"`);
    case 'allExtensionNumbersOfType':
      if (!index.fileBySymbol.has(asked.value)) return notFound(`message "${asked.value}"`);
      return {
        case: 'allExtensionNumbersResponse' as const,
        value: { baseTypeName: asked.value, extensionNumber: [] },
      };
    default:
      throw new RainbowError('invalid_input', 'the reflection request asks for nothing: set one of its fields');
  }
}

function files(file: DescFile | undefined, what: string) {
  if (file === undefined) return notFound(what);
  const fileDescriptorProto = closureOf([file]).map((each) => toBinary(FileDescriptorProtoSchema, each.proto));
  return { case: 'fileDescriptorResponse' as const, value: { fileDescriptorProto } };
}

function notFound(what: string) {
  const error = { errorCode: statusOf('not_found'), errorMessage: `this server knows no ${what}` };
  return { case: 'errorResponse' as const, value: error };
}

function indexOf(services: readonly DescService[]): Index {
  const all = closureOf(services.map((service) => service.file));
  const fileBySymbol = new Map<string, DescFile>();
  for (const file of all) {
    for (const symbol of symbolsOf(file)) fileBySymbol.set(symbol, file);
  }
  return {
    services: services.map((service) => service.typeName).sort(),
    fileByName: new Map(all.map((file) => [file.proto.name, file])),
    fileBySymbol,
  };
}

/** The files and everything that they import, each once, and each before the files that it imports. */
function closureOf(roots: readonly DescFile[]): DescFile[] {
  const seen = new Set<DescFile>();
  const importsFirst: DescFile[] = [];
  function visit(file: DescFile): void {
    if (seen.has(file)) return;
    seen.add(file);
    for (const imported of file.dependencies) visit(imported);
    importsFirst.push(file);
  }
  for (const root of roots) visit(root);
  return importsFirst.reverse();
}

function* symbolsOf(container: DescFile | DescMessage): Generator<string> {
  if (container.kind === 'file') {
    for (const service of container.services) {
      yield service.typeName;
      for (const method of service.methods) yield `${service.typeName}.${method.name}`;
    }
    for (const message of container.messages) yield* symbolsOf(message);
    for (const type of container.enums) yield* symbolsOfEnum(type);
    for (const extension of container.extensions) yield (extension satisfies DescExtension).typeName;
    return;
  }
  yield container.typeName;
  for (const field of container.fields) yield `${container.typeName}.${field.name}`;
  for (const message of container.nestedMessages) yield* symbolsOf(message);
  for (const type of container.nestedEnums) yield* symbolsOfEnum(type);
}

function* symbolsOfEnum(type: DescEnum): Generator<string> {
  yield type.typeName;
  // The values of an enum are siblings of it: rainbow.v1.JOB_STATE_PENDING.
  const scope = type.typeName.slice(0, type.typeName.lastIndexOf('.') + 1);
  for (const value of type.values) yield scope + value.name;
}

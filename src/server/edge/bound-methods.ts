/** The methods of all bindings with their handlers, told apart by what they stream, for both protocols. */
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { RainbowError } from '../../core/errors.ts';
import type { Binding, CallContext } from '../call.ts';

export interface BoundMethod {
  readonly method: DescMethod;
  /** `rainbow.v1.JobService/Submit` */
  readonly name: string;
  readonly handler: AnyHandler;
}

/** Unary and client-streaming handlers give a promise, the others an async iterable; `method.methodKind` says which. */
export type AnyHandler = (request: unknown, call: CallContext) => unknown;

/** Refuses two bindings for one service: which one answers would depend on their order. */
export function checkBindings(bindings: readonly Binding[]): void {
  const seen = new Set<string>();
  for (const { service } of bindings) {
    if (seen.has(service.typeName)) {
      throw new RainbowError('internal', `the service ${service.typeName} is bound twice`);
    }
    seen.add(service.typeName);
  }
}

/** A method without a handler answers `unimplemented`. */
export function boundMethods(service: DescService, handlers: Binding['handlers']): BoundMethod[] {
  return service.methods.map((method) => {
    const name = `${service.typeName}/${method.name}`;
    const handler = handlers[method.localName];
    if (typeof handler === 'function') return { method, name, handler: handler.bind(handlers) as AnyHandler };
    return {
      method,
      name,
      handler: () => {
        throw new RainbowError('unimplemented', `this server does not implement ${name}`);
      },
    };
  });
}

/**
 * What a handler is, whichever protocol the call came by. The edge (edge/) binds one set of handlers to gRPC and to
 * Connect; handlers take and return generated messages and convert at once to the core's types.
 */
import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';

export interface CallContext {
  /** The value of a metadata key (lower case), or null. */
  metadata(key: string): string | null;
  /** Aborted when the caller goes away, its deadline passes, or the server stops. */
  readonly signal: AbortSignal;
  /** Calls it when `signal` is aborted, or at once where it was; costs a long stream less than a signal does. */
  onAbort(listener: () => void): void;
  /** For logs and rate limits. */
  readonly peer: string;
}

type Shape<M extends DescMethod> = {
  readonly request: MessageShape<M['input']>;
  readonly response: MessageInitShape<M['output']>;
};

export type Handler<M extends DescMethod> = M extends { methodKind: 'unary' }
  ? (request: Shape<M>['request'], call: CallContext) => Promise<Shape<M>['response']>
  : M extends { methodKind: 'server_streaming' }
    ? (request: Shape<M>['request'], call: CallContext) => AsyncIterable<Shape<M>['response']>
    : M extends { methodKind: 'client_streaming' }
      ? (requests: AsyncIterable<Shape<M>['request']>, call: CallContext) => Promise<Shape<M>['response']>
      : (requests: AsyncIterable<Shape<M>['request']>, call: CallContext) => AsyncIterable<Shape<M>['response']>;

export type Handlers<S extends DescService> = { readonly [K in keyof S['method']]: Handler<S['method'][K]> };

export interface Binding {
  readonly service: DescService;
  readonly handlers: Readonly<Record<string, unknown>>;
}

/** Pairs a service with its handlers, checked. */
export function bind<S extends DescService>(service: S, handlers: Handlers<S>): Binding {
  return { service, handlers };
}

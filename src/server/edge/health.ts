/**
 * gRPC's health checking protocol for the server as a whole (the empty name) and for each service it serves. All have
 * one status: serving until a stop begins. Watchers are told of the change before their streams end.
 */
import { RainbowError } from '../../core/errors.ts';
import { Health, HealthCheckResponse_ServingStatus as Status } from '../../gen/grpc/health/v1/health_pb.js';
import { bind, type Binding } from '../call.ts';

export interface HealthService {
  readonly binding: Binding;
  readonly serving: () => boolean;
  /** Says NOT_SERVING from now on. */
  readonly stop: () => void;
}

export function healthService(serviceNames: readonly string[]): HealthService {
  const known = new Set(['', Health.typeName, ...serviceNames]);
  const stopping = new AbortController();
  const status = () => (stopping.signal.aborted ? Status.NOT_SERVING : Status.SERVING);

  return {
    serving: () => !stopping.signal.aborted,
    stop: () => stopping.abort(),
    binding: bind(Health, {
      check({ service }) {
        if (known.has(service)) return Promise.resolve({ status: status() });
        return Promise.reject(new RainbowError('not_found', `this server has no service "${service}"`));
      },
      async *watch({ service }, call) {
        if (!known.has(service)) {
          yield { status: Status.SERVICE_UNKNOWN };
          await aborted(call.signal);
          return;
        }
        yield { status: status() };
        if (!stopping.signal.aborted) {
          const either = new AbortController();
          await Promise.race([aborted(stopping.signal, either.signal), aborted(call.signal, either.signal)]);
          either.abort();
          if (stopping.signal.aborted) yield { status: status() };
        }
        await aborted(call.signal);
      },
    }),
  };
}

/** Resolves when `signal` is aborted; stops waiting for it when `enough` is. */
function aborted(signal: AbortSignal, enough?: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), {
      once: true,
      ...(enough === undefined ? {} : { signal: enough }),
    });
  });
}

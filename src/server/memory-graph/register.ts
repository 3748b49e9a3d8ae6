/** Register: refused. It carries no credential and no known client calls it. */
import { RainbowError } from '../../core/errors.ts';
import type { MemoryGraph } from '../../gen/prototype/memory_pb.js';
import type { Handlers } from '../call.ts';

export function register(): Handlers<typeof MemoryGraph>['register'] {
  return async () => {
    throw new RainbowError(
      'permission_denied',
      'this call carries no secret: register with RainbowScheduler.Register, which does',
    );
  };
}

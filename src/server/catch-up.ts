/**
 * With several servers, what one has answered another may not have followed yet: a cluster that was registered there a
 * moment ago is unknown here, and so is its secret. A call that fails for such a reason is answered once more, after
 * everything that is committed was followed; what is really wrong fails again.
 */
import { RainbowError, type ErrorCode } from '../core/errors.ts';
import type { Servers } from '../scheduler/scheduler.ts';
import type { Binding } from './call.ts';

const PERHAPS_BEHIND: ReadonlySet<ErrorCode> = new Set(['unauthenticated', 'permission_denied', 'not_found']);

type Unary = (request: unknown, call: unknown) => Promise<unknown>;

export function afterCatchingUp(bindings: readonly Binding[], servers: Servers): readonly Binding[] {
  if (!servers.shared) return bindings;
  return bindings.map((binding) => {
    const handlers: Record<string, unknown> = { ...binding.handlers };
    for (const { localName, methodKind } of binding.service.methods) {
      if (methodKind !== 'unary') continue;
      const handler = handlers[localName] as Unary;
      handlers[localName] = async (request: unknown, call: unknown): Promise<unknown> => {
        try {
          return await handler(request, call);
        } catch (error) {
          if (!(error instanceof RainbowError) || !PERHAPS_BEHIND.has(error.code)) throw error;
          await servers.catchUp().catch(() => undefined);
          return handler(request, call);
        }
      };
    }
    return { ...binding, handlers };
  });
}

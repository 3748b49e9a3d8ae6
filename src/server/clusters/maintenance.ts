/** Windows of maintenance: no job is placed on the cluster that would run into one. */
import { timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import { invalid, RainbowError } from '../../core/errors.ts';
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import { checkText } from '../input.ts';
import type { Parts } from '../parts.ts';
import { admit } from './admit.ts';
import { clusterToWire } from './convert.ts';

const MOST_WINDOWS = 100;

export function planMaintenance(parts: Parts): Handlers<typeof ClusterService>['planMaintenance'] {
  return async (request, call) => {
    const { name, service } = admit(parts, call, request.cluster, request.secret);
    const [from, until] = [msOf(request.window?.from, 'window.from'), msOf(request.window?.until, 'window.until')];
    if (until <= from) throw invalid('window.until', 'must be later than when it begins');
    if (until <= parts.system.clock.now()) throw invalid('window.until', 'is over already');
    if (service.windows.length >= MOST_WINDOWS) {
      throw new RainbowError(
        'resource_exhausted',
        `cluster ${name} has ${MOST_WINDOWS} windows planned: cancel one first`,
      );
    }
    const window = { from, until, reason: checkText(request.window?.reason ?? '', 'window.reason') };
    // The same window again changes its reason.
    const others = service.windows.filter((each) => each.from !== from || each.until !== until);
    const next = { ...service, windows: [...others, window] };
    return clusterToWire(parts, await parts.scheduler.registry.setService(name, next, 'maintenance_planned'));
  };
}

export function cancelMaintenance(parts: Parts): Handlers<typeof ClusterService>['cancelMaintenance'] {
  return async (request, call) => {
    const { name, service } = admit(parts, call, request.cluster, request.secret);
    const from = request.from === undefined ? null : msOf(request.from, 'from');
    const windows = service.windows.filter((each) => from !== null && each.from !== from);
    if (windows.length === service.windows.length) {
      // oxlint-disable-next-line no-restricted-globals -- arithmetic on a given time, no clock
      const which = from === null ? '' : ` that begins at ${new Date(from).toISOString()}`;
      throw new RainbowError('not_found', `cluster ${name} has no maintenance planned${which}`);
    }
    const next = { ...service, windows };
    return clusterToWire(parts, await parts.scheduler.registry.setService(name, next, 'maintenance_canceled'));
  };
}

function msOf(time: Timestamp | undefined, place: string): number {
  if (time === undefined) throw invalid(place, 'is missing');
  const ms = timestampMs(time);
  if (!Number.isSafeInteger(ms) || Math.abs(ms) > 8.64e15) throw invalid(place, 'is no time');
  return ms;
}

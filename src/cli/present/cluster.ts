/** A cluster of the wire, for programs and for people. */
import type { Cluster, MaintenanceWindow } from '../../gen/rainbow/v1/clusters_pb.js';
import { clean, type Paint } from '../paint.ts';
import type { Column } from '../table.ts';
import { agoText, isoTime } from './time.ts';

export function clusterJson(cluster: Cluster) {
  return {
    name: cluster.name,
    registeredAt: isoTime(cluster.registeredAt),
    graphVersion: Number(cluster.graphVersion),
    resources: cluster.resources.map(({ type, total, free, unit }) => ({ type, total, free, unit })),
    subsystems: cluster.subsystems,
    state: cluster.state ?? null,
    connected: cluster.connected,
    lastSeenAt: isoTime(cluster.lastSeenAt),
    runner: cluster.runner === '' ? null : cluster.runner,
    containers: cluster.containers === '' ? null : cluster.containers,
    jobs: cluster.jobs,
    drainedAt: isoTime(cluster.drainedAt),
    drainReason: cluster.drainReason === '' ? null : cluster.drainReason,
    maintenance: cluster.maintenance.map(({ from, until, reason }) => ({
      from: isoTime(from),
      until: isoTime(until),
      reason,
    })),
  };
}

export function maintenanceText({ from, until, reason }: MaintenanceWindow): string {
  return `${isoTime(from)} until ${isoTime(until)}${reason === '' ? '' : `: ${clean(reason)}`}`;
}

/** '' while it takes jobs. */
function drainText(cluster: Cluster): string {
  if (cluster.drainedAt === undefined) return '';
  return `drained${cluster.drainReason === '' ? '' : `: ${clean(cluster.drainReason)}`}`;
}

function connection(paint: Paint, cluster: Cluster): string {
  if (cluster.connected) return paint.green('connected');
  return cluster.lastSeenAt === undefined ? paint.dim('never seen') : paint.yellow('silent');
}

/** Whether its agent is there, and whether it gets jobs: either says nothing of the other. */
function agentAndService(paint: Paint, cluster: Cluster): string {
  const agent = connection(paint, cluster);
  return cluster.drainedAt === undefined ? agent : `${agent}, ${paint.yellow('drained')}`;
}

/** What schedulers mostly ask of: not the racks and sockets between. */
const SHOWN = ['node', 'core', 'gpu', 'memory'];

function freeText(cluster: Cluster): string {
  return cluster.resources
    .filter(({ type }) => SHOWN.includes(type))
    .sort((a, b) => SHOWN.indexOf(a.type) - SHOWN.indexOf(b.type))
    .map(({ type, total, free, unit }) => `${free}/${total}${unit === '' ? '' : ` ${clean(unit)}`} ${clean(type)}`)
    .join(', ');
}

function jobsText(jobs: Readonly<Record<string, number>>): string {
  return Object.entries(jobs)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${clean(state)}`)
    .join(', ');
}

/** The columns of `rainbow clusters`. */
export function clusterColumns(paint: Paint, now: number): readonly Column<Cluster>[] {
  return [
    { title: 'NAME', cell: (cluster) => cluster.name },
    { title: 'AGENT', cell: (cluster) => agentAndService(paint, cluster) },
    { title: 'RUNNER', cell: (cluster) => clean(cluster.runner) },
    { title: 'FREE', cell: freeText, shrinks: true },
    { title: 'JOBS', cell: (cluster) => jobsText(cluster.jobs), shrinks: true },
    { title: 'LAST SEEN', cell: (cluster) => agoText(cluster.lastSeenAt, now) },
  ];
}

export function clusterText(paint: Paint, cluster: Cluster, now: number): string {
  const rows: [string, string][] = [
    ['name', cluster.name],
    ['agent', connection(paint, cluster)],
    ['last seen', agoText(cluster.lastSeenAt, now)],
    ['runner', clean(cluster.runner)],
    ['containers', clean(cluster.containers)],
    ['service', drainText(cluster)],
    ['maintenance', cluster.maintenance.map(maintenanceText).join('; ')],
    ['registered', isoTime(cluster.registeredAt) ?? ''],
    ['graph version', cluster.graphVersion],
    ['subsystems', cluster.subsystems.map(clean).join(', ')],
    ['jobs', jobsText(cluster.jobs)],
  ];
  const lines = rows.filter(([, value]) => value !== '').map(([key, value]) => `${paint.dim(key.padEnd(13))} ${value}`);
  lines.push(paint.dim('free'));
  for (const { type, total, free, unit } of cluster.resources) {
    lines.push(`  ${clean(type)}: ${free} of ${total}${unit === '' ? '' : ` ${clean(unit)}`}`);
  }
  const state = Object.entries(cluster.state ?? {});
  if (state.length > 0) lines.push(paint.dim('state'));
  for (const [key, value] of state) lines.push(`  ${clean(key)}: ${clean(JSON.stringify(value))}`);
  return lines.join('\n');
}

/**
 * What a decision depends on, of the job itself, as one short text: equal ones are decided once in a pass, and those that
 * follow are passed over without being read. What it depends on besides (clusters, what is free, groups) is the same for
 * all of a pass.
 */
import { hash } from 'node:crypto';
import type { ClusterRef } from '../store/store.ts';
import type { Submission } from './scheduler.ts';

type Asked = Pick<
  Submission,
  'owner' | 'policy' | 'policyOptions' | 'overcommit' | 'later' | 'jobspec' | 'bidding' | 'deadline' | 'image'
>;

export function questionOf(
  {
    owner,
    policy,
    policyOptions,
    overcommit = null,
    later = null,
    jobspec,
    bidding = null,
    deadline = null,
    image = null,
  }: Asked,
  candidates: readonly ClusterRef[],
): string {
  const options = Object.entries(policyOptions).sort(([a], [b]) => (a < b ? -1 : 1));
  const asked = [
    owner,
    policy,
    options,
    overcommit,
    later,
    candidates.map(({ id }) => id),
    jobspec,
    bidding,
    deadline,
    image,
  ];
  return hash('sha256', JSON.stringify(asked), 'base64url').slice(0, 22);
}

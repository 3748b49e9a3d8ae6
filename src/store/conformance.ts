/**
 * The suite that admits a store. Every engine runs it as it is (conformance.test.ts); what is true of one and not of
 * another is a fault, or is told apart here in so many words.
 */
import { describe } from 'vitest';
import type { Store } from './store.ts';
import { agentLifeConformance } from './conformance/agent-life.ts';
import { bidConformance } from './conformance/bids.ts';
import { clusterConformance } from './conformance/clusters.ts';
import { concurrencyConformance } from './conformance/concurrency.ts';
import { durabilityConformance, type Place } from './conformance/durability.ts';
import { eventConformance } from './conformance/events.ts';
import { fileConformance } from './conformance/files.ts';
import { groupConformance } from './conformance/groups.ts';
import { arrayConformance } from './conformance/arrays.ts';
import { jobConformance } from './conformance/jobs.ts';
import { lifecycleConformance } from './conformance/lifecycle.ts';
import { outputConformance } from './conformance/output.ts';
import { propertyConformance } from './conformance/properties.ts';
import { receiveConformance } from './conformance/receive.ts';
import { restoredConformance } from './conformance/restored.ts';
import { retentionConformance } from './conformance/retention.ts';
import { serverConformance } from './conformance/servers.ts';
import { startAndNameConformance } from './conformance/start-and-name.ts';
import { transitionConformance } from './conformance/transitions.ts';

/**
 * `open` gives an empty store of its own each time; the suite closes it. `runs`: of the property test, fewer where
 * each call waits for a disk.
 */
export function storeConformance(name: string, open: () => Promise<Store>, runs = 10): void {
  describe(`store: ${name}`, () => {
    clusterConformance(open);
    groupConformance(open);
    jobConformance(open);
    bidConformance(open);
    transitionConformance(open);
    lifecycleConformance(open);
    startAndNameConformance(open);
    arrayConformance(open);
    retentionConformance(open);
    receiveConformance(open);
    agentLifeConformance(open);
    restoredConformance(open);
    eventConformance(open);
    outputConformance(open);
    fileConformance(open);
    serverConformance(open);
    concurrencyConformance(open);
    propertyConformance(open, runs);
  });
}

/** For stores that outlive their process. `place` gives an empty one each time. */
export function durableStoreConformance(name: string, place: () => Promise<Place>): void {
  describe(`durable store: ${name}`, () => {
    durabilityConformance(place);
  });
}

import { expect, test } from 'vitest';
import { layOut } from '../discover/layout.ts';
import { readTariff } from './tariff-file.ts';
import { unknownQueues } from './unknown-queues.ts';

const tariff = readTariff('currency: EUR\nqueues: {main: {perJob: 1}, nosuch: {perJob: 2}}');
const node = { name: 'n1', sockets: [{ cores: 4, devices: [] }], memoryMiB: 0, devices: [], properties: [] };

test('a queue that no partition matches is told, with those that there are', () => {
  const partitions = ['main', 'gpu'].map((name) => ({ name, nodes: ['n1'], facts: {} }));
  const { subsystems } = layOut({ name: 'red', nodes: [node], partitions });
  expect(unknownQueues(tariff, subsystems['partition'])).toBe(
    'no partition or queue of this cluster is called nosuch (it has main, gpu): those rates count for no job',
  );
  expect(unknownQueues(readTariff('currency: EUR\nqueues: {gpu: {}}'), subsystems['partition'])).toBeNull();
  expect(unknownQueues(tariff, undefined)).toContain('called main, nosuch (it has none)');
  expect(unknownQueues(readTariff('currency: EUR'), undefined)).toBeNull();
});

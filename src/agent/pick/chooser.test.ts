import { expect, test } from 'vitest';
import { jobspecFromFlags } from '../../core/jobspec/flags.ts';
import type { ToServer } from '../messages.ts';
import type { Order } from '../runners/runner.ts';
import { createChooser } from './chooser.ts';
import { PICK_NAMES, pickNamed, picks } from './picks.ts';

function order(jobId: string, more: Partial<Order> & { cores?: number; nodes?: number } = {}): Order {
  const { cores = 1, nodes, ...rest } = more;
  const jobspec = jobspecFromFlags({ cores, ...(nodes === undefined ? {} : { nodes }), command: ['app'] });
  return { jobId, epoch: 1, name: '', owner: '', jobspec, walltime: 60, priority: 0, ...rest };
}

function rig(name: string, maxJobs: number, options: Record<string, string> = {}) {
  const said: Extract<ToServer, { kind: 'choose' }>[] = [];
  const state = { held: 0 };
  const chooser = createChooser({ name, pick: pickNamed(name).open(options), maxJobs, held: () => state.held });
  chooser.connected((message) => {
    if (message.kind === 'choose') said.push(message);
  });
  const offer = async (...orders: Order[]): Promise<void> => {
    chooser.offered(orders, []);
    await Promise.resolve();
  };
  return { chooser, said, state, offer, taken: () => said.flatMap(({ take }) => take.map(({ jobId }) => jobId)) };
}

test('smallest: fewest cores first, of equals the first offered; the rest is left, and said once', async () => {
  const { said, offer, chooser, state, taken } = rig('smallest', 2);
  await offer(
    order('1', { cores: 8 }),
    order('2', { cores: 2 }),
    order('3', { cores: 2 }),
    order('4', { cores: 1, nodes: 3 }),
  );
  expect(taken()).toEqual(['2', '3']);
  expect(said[0]!.leave.map(({ key }) => key.jobId)).toEqual(['1', '4']);
  expect(said[0]!.leave[0]!.message).toContain('at most 2 jobs at once, and smallest comes first');
  // They come and are held; nothing more fits, and nothing is said again.
  for (const jobId of ['2', '3']) {
    state.held++;
    chooser.started({ jobId, epoch: 1 });
    await Promise.resolve();
  }
  expect(said).toHaveLength(1);
  state.held = 1;
  chooser.again();
  await Promise.resolve();
  expect(taken()).toEqual(['2', '3', '4']);
  expect(said[1]!.leave).toEqual([]);
});

test('what was taken and has not come counts; what is gone does not', async () => {
  const { offer, chooser, taken } = rig('shortest', 1);
  await offer(order('1', { walltime: 600 }), order('2', { walltime: 30 }));
  expect(taken()).toEqual(['2']);
  chooser.again();
  await Promise.resolve();
  expect(taken()).toEqual(['2']);
  chooser.offered([], [{ jobId: '2', epoch: 1 }]);
  await Promise.resolve();
  expect(taken()).toEqual(['2', '1']);
});

test('label: only jobs with the attribute; others are left with what is missing', async () => {
  const labelled = (jobId: string, team: unknown): Order =>
    order(jobId, { jobspec: JSON.stringify({ version: 1, attributes: { user: { team } } }) });
  const { offer, said, taken } = rig('label', 9, { 'user.team': 'physics' });
  await offer(
    labelled('1', 'physics'),
    labelled('2', 'biology'),
    order('3'),
    labelled('4', { physics: 1 }),
    order('5', { jobspec: '{' }),
  );
  expect(taken()).toEqual(['1']);
  expect(said[0]!.leave.map(({ message }) => message)).toEqual([
    'only jobs with user.team=physics are taken; this one has biology',
    'only jobs with user.team=physics are taken; this one has none',
    'only jobs with user.team=physics are taken; this one has none',
    'its jobspec cannot be read here',
  ]);
});

test('a new stream begins with nothing', async () => {
  const { offer, chooser, taken, said } = rig('smallest', 1);
  await offer(order('1'));
  chooser.disconnected();
  chooser.again();
  await offer(order('2'));
  expect(taken()).toEqual(['1']);
  chooser.connected((message) => void (message.kind === 'choose' && said.push(message)));
  await offer(order('3'));
  expect(taken()).toEqual(['1', '3']);
});

test('the names, and options that are wrong', () => {
  expect(Object.keys(picks)).toEqual([...PICK_NAMES]);
  expect(PICK_NAMES.filter((name) => picks[name]!.takesAll)).toEqual(['first-come']);
  expect(() => pickNamed('best')).toThrow('there is: first-come, smallest');
  expect(() => pickNamed('smallest').open({ a: 'b' })).toThrow('leave out a');
  expect(() => pickNamed('label').open({})).toThrow('--pick-option system.queue=debug');
});

/** What a replay came to, in words. */
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ReplayResponseSchema } from '../../gen/rainbow/v1/bid_pb.js';
import { paint } from '../paint.ts';
import { replayJson, replayText } from './bid.ts';

test('pairs without offers are told apart', () => {
  const plain = paint({ isTTY: false, columns: 80, write: () => true }, {});
  const replay = create(ReplayResponseSchema, {
    policy: 'cheapest',
    decisions: 5,
    changed: 1,
    unplaced: 1,
    compared: 2,
  });
  expect(replayText(plain, replay)).toContain(
    'cheapest over 5 decisions: 1 would have gone elsewhere, 1 nowhere; 2 not compared: no offers\n',
  );
  expect(replayJson(replay)).toMatchObject({ changed: 1, notCompared: 2 });
});

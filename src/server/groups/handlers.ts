/** GroupService, one file per call; all of it for operators. */
import { GroupService } from '../../gen/rainbow/v1/groups_pb.js';
import { bind, type Binding } from '../call.ts';
import type { Parts } from '../parts.ts';
import { create } from './create.ts';
import { deleteGroup } from './delete.ts';
import { list } from './list.ts';
import { update } from './update.ts';

export function groupHandlers(parts: Parts): Binding {
  return bind(GroupService, {
    create: create(parts),
    update: update(parts),
    delete: deleteGroup(parts),
    list: list(parts),
  });
}

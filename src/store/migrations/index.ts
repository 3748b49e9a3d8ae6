/** Every migration, in order: the n-th has number n, and the last is the schema that this program knows. */
import { first } from './0001-first.ts';
import { lifecycle } from './0002-lifecycle.ts';
import { agentLife } from './0003-agent-life.ts';
import { bids } from './0004-bids.ts';
import { service } from './0005-service.ts';
import { documentPieces } from './0006-document-pieces.ts';
import { image } from './0007-image.ts';
import { servers } from './0008-servers.ts';
import { cancelMessage } from './0009-cancel-message.ts';
import { staging } from './0010-staging.ts';
import { sentWith } from './0011-sent-with.ts';
import { dependencyKinds } from './0012-dependency-kinds.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [
  first,
  lifecycle,
  agentLife,
  bids,
  service,
  documentPieces,
  image,
  servers,
  cancelMessage,
  staging,
  sentWith,
  dependencyKinds,
];

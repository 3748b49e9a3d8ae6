/** FileService, one file per call. */
import { FileService } from '../../gen/rainbow/v1/files_pb.js';
import { bind, type Binding } from '../call.ts';
import type { Parts } from '../parts.ts';
import { collect } from './collect.ts';
import { download } from './download.ts';
import { list } from './list.ts';
import { missing } from './missing.ts';
import { upload } from './upload.ts';

export function fileHandlers(parts: Parts): Binding {
  return bind(FileService, {
    missing: missing(parts),
    upload: upload(parts),
    list: list(parts),
    download: download(parts),
    collect: collect(parts),
  });
}

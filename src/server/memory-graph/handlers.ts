/** MemoryGraph, the prototype's graph service, one file per call. */
import { MemoryGraph } from '../../gen/prototype/memory_pb.js';
import { bind, type Binding } from '../call.ts';
import type { Parts } from '../parts.ts';
import { register } from './register.ts';
import { satisfy } from './satisfy.ts';

export function memoryGraphHandlers(parts: Parts): Binding {
  return bind(MemoryGraph, { satisfy: satisfy(parts), register: register() });
}

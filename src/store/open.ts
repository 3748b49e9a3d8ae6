/** The store behind a url: a file's path, `:memory:`, or `postgres://…`. Engines are loaded when they are asked for. */
import { resolve } from 'node:path';
import { RainbowError } from '../core/errors.ts';
import type { System } from '../system/system.ts';
import { isPostgresAddress } from './address.ts';
import type { Engine } from './engine.ts';
import { storeOver } from './store-over-engine.ts';
import type { Store } from './store.ts';

/**
 * Opens it on the newest schema, making the file (and its folder) where there is none.
 * Throws `failed_precondition` for a file or database that is not ours, cannot be opened, was made by a newer Rainbow,
 * or is another server's now; `unavailable` for a database that cannot be reached.
 */
export async function openStore(
  url: string,
  system: System,
  options: {
    /** For this process alone, as a server needs a file. PostgreSQL is for several. */ readonly alone?: boolean;
  } = {},
): Promise<Store> {
  const at = Math.trunc(system.clock.now());
  if (isPostgresAddress(url)) {
    const { openPoolEngine } = await import('./postgres/pool-engine.ts');
    const engine = await openPoolEngine(url, system);
    return storeOver(engine, 'postgres');
  }
  if (url === '' || url.includes('\0')) {
    throw new RainbowError('invalid_input', 'the store needs a path, or :memory: for one that is not kept');
  }
  if (url === ':memory:') {
    const { openMemoryEngine } = await import('./sqlite/memory-engine.ts');
    // A server's calls gather; whoever opens one for a simulation or a test has them one by one.
    const gather = options.alone === true ? (flush: () => void) => system.timers.soon(flush) : null;
    return storeOver(openMemoryEngine(at, gather), 'memory');
  }
  const { openThreadEngine } = await import('./sqlite/thread-engine.ts');
  // Absolute, so that SQLite does not take a relative path like `file:x` for a URI.
  const path = resolve(url);
  const engine = await openThreadEngine({ path, at });
  if (options.alone !== true) return storeOver(engine, 'sqlite');
  const { holdFile } = await import('./sqlite/hold-file.ts');
  return held(engine, 'sqlite', () => holdFile(path));
}

type Release = () => void | Promise<void>;

async function held(engine: Engine, kind: Store['kind'], hold: () => Release | Promise<Release>): Promise<Store> {
  try {
    const release = await hold();
    const store = storeOver(engine, kind);
    const close = async (): Promise<void> => {
      try {
        await store.close();
      } finally {
        await release();
      }
    };
    return { ...store, close };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

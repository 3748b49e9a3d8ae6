/**
 * Contents that were fetched by a digest and had it: they are the same for ever, so they are not fetched again. Kept for
 * the repository that they came from, since another one may be read by others. Bounded; the oldest goes.
 */
export interface KeptContents {
  get(place: string, digest: string): Uint8Array | undefined;
  put(place: string, digest: string, body: Uint8Array): void;
}

const MOST = 512;
const MOST_BYTES = 16 * 2 ** 20;

export function keptContents(): KeptContents {
  const kept = new Map<string, Uint8Array>();
  let bytes = 0;
  const drop = (key: string): void => {
    bytes -= kept.get(key)?.length ?? 0;
    kept.delete(key);
  };
  return {
    get: (place, digest) => kept.get(`${place}@${digest}`),
    put(place, digest, body) {
      if (body.length > MOST_BYTES / 4) return;
      drop(`${place}@${digest}`);
      kept.set(`${place}@${digest}`, body);
      bytes += body.length;
      for (const key of kept.keys()) {
        if (kept.size <= MOST && bytes <= MOST_BYTES) return;
        drop(key);
      }
    },
  };
}

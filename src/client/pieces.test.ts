import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { zstdDecompressSync } from 'node:zlib';
import { WHOLE_GRAPH_BYTES } from '../wire/limits.ts';
import { pieces, registerCluster, splitText } from './pieces.ts';

describe('splitText', () => {
  it('gives back the text, in pieces within the limit, whole characters each', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.integer({ min: 6, max: 50 }), (text, limit) => {
        const parts = [...splitText(text, limit)];
        expect(parts.join('')).toBe(text);
        for (const part of parts) {
          expect(part.length).toBeGreaterThan(0);
          expect(part.isWellFormed()).toBe(true);
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it('never cuts a character, however small the limit', () => {
    expect([...splitText('a𝄞𝄞b', 1)]).toEqual(['a', '𝄞', '𝄞', 'b']);
  });
});

describe('pieces', () => {
  it('has everything but the graph first, then the graph', async () => {
    const messages = [];
    for await (const message of pieces({ name: 'red', secret: 's', replace: true, graph: 'abcdef' }, 9)) {
      const { packedGraph: packed, ...rest } = message;
      messages.push(packed === undefined ? rest : { graph: zstdDecompressSync(packed).toString() });
    }
    expect(messages).toEqual([
      { name: 'red', secret: 's', replace: true, graph: '' },
      { graph: 'abc' },
      { graph: 'def' },
    ]);
  });
});

describe('registerCluster', () => {
  it.each([
    [1000, 'register'],
    [WHOLE_GRAPH_BYTES, 'register'],
    [WHOLE_GRAPH_BYTES + 1, 'registerInPieces'],
  ])('sends a graph of %d bytes by %s', async (bytes, way) => {
    const used: string[] = [];
    const by = (name: string) => () => {
      used.push(name);
      return Promise.resolve({});
    };
    const clusters = { register: by('register'), registerInPieces: by('registerInPieces') };
    await registerCluster({ clusters: clusters as never }, { name: 'red', secret: 's', graph: 'x'.repeat(bytes) });
    expect(used).toEqual([way]);
  });
});

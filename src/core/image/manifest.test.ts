/** compspec's pairing of images with artifacts. */
import { expect, test } from 'vitest';
import { readManifest } from './manifest.ts';

test('pairs by the names of images; another document is none', () => {
  const pairs = readManifest(
    `# by hand
images:
- name: ghcr.io/team/app:rocky
  artifact: ghcr.io/team/app:rocky-compspec
- {name: /srv/app.sif, artifact: ghcr.io/team/app:sif-compspec}
`,
    'manifest',
  );
  expect([...(pairs ?? [])]).toEqual([
    ['ghcr.io/team/app:rocky', 'ghcr.io/team/app:rocky-compspec'],
    ['/srv/app.sif', 'ghcr.io/team/app:sif-compspec'],
  ]);
  expect(readManifest('{version: v1alpha1, compatibilities: []}', 'manifest')).toBeNull();
  expect(readManifest('[]', 'manifest')).toBeNull();
});

test.each([
  ['images: []', 'manifest.images (line 1, column 9): lists no image'],
  ['images: {}', 'must be a list'],
  ['images: [x]', 'must be a map of name and artifact'],
  ['images: [{name: a}]', '`artifact` is missing'],
  ['images: [{name: a, artifct: b}]', 'did you mean `artifact`'],
  ['images: [{name: a, artifact: b}, {name: a, artifact: c}]', 'a is paired twice, with b as well'],
  ['images: [', 'line 1'],
])('%s', (text, message) => {
  expect(() => readManifest(text, 'manifest')).toThrow(message);
});

/**
 * `npm run build`: dist/, what the published package runs (Node strips no types below node_modules). Everything is
 * bundled, dependencies included, so that the package installs in a moment and starts by reading few files; parts that
 * are loaded on demand (gRPC, above all) stay files of their own.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/**
 * Started by URL, beside the file that starts them: src/store/sqlite/thread-engine.ts and src/scheduler/reading/reader.ts
 * look for these names.
 */
const startedByUrl = {
  'store-worker': 'src/store/sqlite/worker.ts',
  'reading-worker': 'src/scheduler/reading/thread.ts',
};

/**
 * `await import('a package')` of the older module kind: Node finds the names that it exports, a bundle has only its
 * `default`. So those names are asked of Node here, and exported one by one.
 */
const namedExports: Plugin = {
  name: 'named exports of packages that are loaded on demand',
  setup(plugin) {
    plugin.onResolve({ filter: /^[^./]/ }, ({ kind, path }) =>
      kind === 'dynamic-import' && !path.startsWith('node:') ? { path, namespace: 'on-demand' } : undefined,
    );
    plugin.onLoad({ filter: /.*/, namespace: 'on-demand' }, async ({ path }) => {
      const found = Object.keys((await import(path)) as object);
      const names = found.filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default');
      return {
        contents: [
          `import * as whole from ${JSON.stringify(path)};`,
          ...names.map((name) => `export const ${name} = whole.${name};`),
        ].join('\n'),
        resolveDir: root,
      };
    });
  },
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { rainbow: 'src/main.ts', ...startedByUrl },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24.7',
  chunkNames: 'part-[hash]',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  legalComments: 'none',
  metafile: true,
  plugins: [namedExports],
  define: { RAINBOW_VERSION: JSON.stringify(version) },
  // Packages of the older module kind call require.
  banner: {
    js: "import{createRequire as rainbowRequire}from'node:module';const require=rainbowRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

/** The licences of everything that was bundled, as they ask. */
function licences({ inputs }: Metafile): string {
  const packages = new Set<string>();
  for (const path of Object.keys(inputs)) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (found?.[1] !== undefined) packages.add(found[1]);
  }
  const texts = [...packages].sort().map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as {
      name: string;
      version: string;
      license?: string;
    };
    const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'LICENCE', 'License']
      .map((candidate) => join(root, path, candidate))
      .find(existsSync);
    return `${name} ${version} (${license ?? 'see below'})\n\n${file === undefined ? '' : readFileSync(file, 'utf8').trim()}\n`;
  });
  return `Rainbow contains these packages.\n\n${texts.join(`\n${'-'.repeat(78)}\n\n`)}`;
}

writeFileSync(join(dist, 'THIRD-PARTY-LICENCES.txt'), licences(metafile));
const bytes = Object.keys(metafile.outputs).reduce((sum, path) => sum + statSync(join(root, path)).size, 0);
console.log(`dist/: ${Object.keys(metafile.outputs).length} files, ${(bytes / 2 ** 20).toFixed(1)} MiB`);

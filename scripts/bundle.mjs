// Puts the modules of the command line together to a few files in dist/command/, which bin/sealift starts: Node takes a third of a millisecond for each file that it loads, and a copy needs 220 modules
// (docs/decisions/0026). What is loaded lazily in src/ is loaded lazily here; packages stay outside. The library is not concerned: dist/ holds its modules one by one.
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

/**
 * What a copy loads is in four files, each with all that it imports and that the files before it have not: what is needed to begin to connect, what a login of the `ssh` program needs that several channels share, the built-in SSH, and the copy engine.
 * Everything else is divided by who needs it.
 */
const groups = [
  { name: 'start', test: /\/dist\/(?:base\/|cli\/scp\/main\.js$)/, priority: 4 },
  { name: 'shared-login', test: /\/dist\/ssh\/program\//, priority: 3 },
  { name: 'builtin', test: /\/dist\/ssh\/builtin\/open\.js$/, priority: 2 },
  { name: 'engine', test: /\/dist\/(?:cli\/scp\/run|copy\/sftp-(?:open|copy))\.js$/, priority: 1 },
];

/** Makes stack traces name src/ under `node --enable-source-maps`: the compiler's own maps are followed. */
const sourceMaps = {
  name: 'source-maps',
  load: (id) => ({ code: readFileSync(id, 'utf8'), map: JSON.parse(readFileSync(`${id}.map`, 'utf8')) }),
};

/** Replaces `command/` in the folder of the compiled modules. */
export async function bundleCommand(dist) {
  const made = join(dist, 'command.new');
  const bundle = await rolldown({
    // A thread is started by its file.
    input: { main: join(dist, 'cli/main.js'), 'server-thread': join(dist, 'cli/demo/server-thread.js') },
    platform: 'node',
    external: /^[^./]/,
    plugins: [sourceMaps],
    // No file that only passes on what another one exports.
    preserveEntrySignatures: 'allow-extension',
    // The demo needs at once what a copy loads when it must.
    checks: { ineffectiveDynamicImport: false },
  });
  try {
    await bundle.write({
      dir: made,
      format: 'esm',
      chunkFileNames: '[name].js',
      sourcemap: true,
      sourcemapExcludeSources: true,
      hoistTransitiveImports: false,
      codeSplitting: { groups },
    });
    rmSync(join(dist, 'command'), { recursive: true, force: true });
    renameSync(made, join(dist, 'command'));
  } finally {
    await bundle.close();
    rmSync(made, { recursive: true, force: true });
  }
}

// Writes what is made from the schema of the configuration: the JSON schema for editors and the reference.
// `--check` writes nothing and fails where a file is not what it should be.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configDocuments } from '../dist/server/config/documents.js';

const root = fileURLToPath(new URL('..', import.meta.url));
let stale = 0;
for (const { path, text } of configDocuments()) {
  const target = `${root}${path}`;
  const now = existsSync(target) ? readFileSync(target, 'utf8') : undefined;
  if (now === text) continue;
  if (process.argv.includes('--check')) {
    process.stderr.write(`config-docs: ${path} is not current: run \`npm run docs:config\`\n`);
    stale++;
    continue;
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  process.stdout.write(`config-docs: wrote ${path}\n`);
}
process.exitCode = stale === 0 ? 0 : 1;

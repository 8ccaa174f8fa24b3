// Completes package-lock.json after `npm install`. Tools such as Biome bring one optional package per platform. Where the
// registry at hand lacks some of them, npm leaves them out of the lock file, and `npm ci` then refuses that lock file
// everywhere. This adds what is missing, without a digest; npm installs only the package of its own platform.
//
//   node scripts/complete-lock.mjs           completes the lock file
//   node scripts/complete-lock.mjs --check   only says what is missing, and fails if anything is
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const lockFile = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];
const libraries = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

/** What a platform package runs on, from its name: `@biomejs/cli-linux-x64-musl`. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = words.find((word) => systems.includes(word));
  const cpu = words.find((word) => processors.includes(word));
  if (os === undefined || cpu === undefined) throw new Error(`${name}: its name does not say its platform`);
  const library = words.map((word) => libraries[word]).find((word) => word !== undefined);
  return { os, cpu, libc: os === 'linux' ? library : undefined };
}

function isLocked(packages, dependent, name) {
  return `${dependent}/node_modules/${name}` in packages || `node_modules/${name}` in packages;
}

function missingEntries(packages) {
  const missing = new Map();
  for (const [dependent, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (dependent === '' || isLocked(packages, dependent, name)) continue;
      if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) throw new Error(`${name}: ${version} is not one exact version`);
      const { os, cpu, libc } = platformOf(name);
      missing.set(`node_modules/${name}`, {
        version,
        cpu: [cpu],
        ...(entry.dev === true && { dev: true }),
        ...(libc !== undefined && { libc: [libc] }),
        optional: true,
        os: [os],
      });
    }
  }
  return missing;
}

try {
  const lock = JSON.parse(readFileSync(lockFile, 'utf8'));
  const missing = missingEntries(lock.packages);
  if (process.argv.includes('--check')) {
    for (const path of missing.keys()) process.stdout.write(`missing: ${path}\n`);
    if (missing.size > 0) throw new Error('package-lock.json is incomplete: run `node scripts/complete-lock.mjs`');
  } else if (missing.size > 0) {
    const entries = [...Object.entries(lock.packages), ...missing].sort(([a], [b]) => a.localeCompare(b, 'en'));
    lock.packages = Object.fromEntries(entries);
    writeFileSync(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
  }
  process.stdout.write(`complete-lock: ${missing.size} entries were missing\n`);
} catch (error) {
  process.stderr.write(`complete-lock: ${error.message}\n`);
  process.exitCode = 1;
}

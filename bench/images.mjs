// `npm run bench:images`: verifying an image beside `openssl cms -verify`, after `npm run build`. The ratio is what counts.
//
//   npm run bench:images                                 a payload of 3 GiB, 5 rounds
//   npm run bench:images -- --mebibytes 512 --rounds 3
//   npm run bench:images -- --json                       a line of JSON for each way, for bench/run.mjs
//
// The payload is a sparse file: both read zeros, and what is measured is not the disk.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, createReadStream, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generatePrivateKey } from '../dist/images/algorithms/private-key.js';
import { digestPayload, signImage } from '../dist/images/sign.js';
import { makeCertificate, NO_EXPIRY } from '../dist/images/x509/make-certificate.js';
import { writeCertificatePem } from '../dist/images/x509/pem.js';

const program = fileURLToPath(new URL('images-verify.mjs', import.meta.url));
const { values } = parseArgs({
  options: {
    mebibytes: { type: 'string', default: '3072' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const size = Number(values.mebibytes) * 1024 * 1024;
const directory = mkdtempSync(join(tmpdir(), 'sealift-bench-images-'));

async function makeImage() {
  const paths = {
    payload: join(directory, 'payload'),
    image: join(directory, 'app.SPA'),
    envelope: join(directory, 'app.p7s'),
    certificate: join(directory, 'signer.crt.pem'),
  };
  const privateKey = await generatePrivateKey('rsa-3072');
  const name = { commonName: 'Bench', organizationalUnit: 'NX3900', organization: 'Example' };
  const purpose = { type: 'production', version: 'A' };
  const certificate = makeCertificate({ privateKey, name, purpose, notBefore: new Date(), notAfter: NO_EXPIRY });
  for (const path of [paths.payload, paths.image]) {
    writeFileSync(path, '');
    truncateSync(path, size);
  }
  const payload = await digestPayload(createReadStream(paths.payload, { highWaterMark: 1024 * 1024 }));
  const description = { type: 'production', product: 'NX3900', name: 'app.SPA', version: '1', counter: 0 };
  const image = signImage({ payload, description }, [{ certificate, privateKey }]);
  appendFileSync(paths.image, Buffer.concat([image.envelope, image.footer]));
  writeFileSync(paths.envelope, image.envelope);
  writeFileSync(paths.certificate, writeCertificatePem(certificate));
  return paths;
}

/** Seconds on the clock and on the processor, and the most memory that was resident, in MiB. */
function timed(command, args) {
  const started = process.hrtime.bigint();
  const result = spawnSync('/usr/bin/time', ['-f', '%M %U %S', command, ...args], { encoding: 'utf8' });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (result.status !== 0) throw new Error(`${command}: ${result.stderr}`);
  const [kibibytes, user, system] = result.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { seconds, processorSeconds: user + system, residentMebibytes: kibibytes / 1024 };
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

try {
  const { payload, image, envelope, certificate } = await makeImage();
  const checks = ['-cades', '-binary', '-purpose', 'any', '-no_check_time', '-inform', 'DER', '-in', envelope];
  const contenders = {
    'openssl cms -verify': () =>
      timed('openssl', ['cms', '-verify', ...checks, '-CAfile', certificate, '-content', payload, '-out', '/dev/null']),
    verifyImageFile: () => timed(process.execPath, [program, 'file', image, certificate]),
    ImageVerifier: () => timed(process.execPath, [program, 'stream', image, certificate]),
  };
  if (!values.json)
    console.log(execFileSync('openssl', ['version'], { encoding: 'utf8' }).trim(), '· Node.js', process.version);
  const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, run] of Object.entries(contenders)) results[name].push(run());
  }
  const of = (name, what) => median(results[name].map((run) => run[what]));
  const base = 'openssl cms -verify';
  for (const [name, runs] of Object.entries(results)) {
    if (values.json) {
      const seconds = of(name, 'seconds');
      const residentMebibytes = Math.max(...runs.map((run) => run.residentMebibytes));
      console.log(JSON.stringify({ name, seconds, ratio: of(base, 'seconds') / seconds, residentMebibytes }));
      continue;
    }
    const rate = (size / 1e6 / of(name, 'seconds')).toFixed(0).padStart(5);
    const ratio = (of(base, 'seconds') / of(name, 'seconds')).toFixed(2);
    const processor = (of(base, 'processorSeconds') / of(name, 'processorSeconds')).toFixed(2);
    const resident = Math.max(...runs.map((run) => run.residentMebibytes)).toFixed(0);
    console.log(
      `${name.padEnd(20)} ${rate} MB/s  ${ratio} x openssl  ${processor} x on the processor  ${resident} MiB resident`,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

// @ts-check
// node examples/between-hosts.mjs HOST:PATH HOST:PATH
import { copy } from 'sealift';

const [source = '', target = ''] = process.argv.slice(2);
// The content goes through this machine, so the hosts need not know each other.
const { files } = await copy(source, target, { recursive: true, preserve: true });
console.log(`${files} files`);

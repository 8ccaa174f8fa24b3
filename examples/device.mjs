// @ts-check
// DEVICE_PASSWORD=… node examples/device.mjs ADDRESS PORT USER SHA256:FINGERPRINT REMOTE LOCAL
import { connect } from 'sealift';

const [address = '', port, user = '', fingerprint = '', remote = '', local = ''] = process.argv.slice(2);
const host = await connect({
  host: address,
  port: Number(port),
  user,
  password: process.env['DEVICE_PASSWORD'] ?? '',
  hostKeys: [fingerprint],
  // `auto` finds out by itself; many devices log a warning for the attempt.
  protocol: 'scp',
});
await host.download(remote, local);
await host.upload(local, `${remote}.copy`);
console.log(`${remote} is here, and there as ${remote}.copy, by ${host.protocol}`);
await host.close();

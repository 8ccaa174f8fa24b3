import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const half = randomBytes(1024 * 1024);

/** Everybody waits here for the last. */
export function barrier(count) {
  let missing = count;
  let open;
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  return () => {
    if (--missing === 0) open();
    return opened;
  };
}

function execScp(client, command) {
  return new Promise((resolve, reject) =>
    client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel))),
  );
}

async function drained(stream, bytes) {
  if (!stream.write(bytes)) await new Promise((resolve) => stream.once('drain', resolve));
}

/** Sends a file of 2 MiB by the SCP protocol; in its middle it waits until all are in theirs. */
export async function uploadByScp(client, name, allAreHalfway) {
  const channel = await execScp(client, 'scp -t .');
  let replies = Buffer.alloc(0);
  channel.on('data', (chunk) => {
    replies = Buffer.concat([replies, chunk]);
  });
  const closed = new Promise((resolve) => channel.once('close', resolve));
  channel.write(`C0644 ${half.length * 2} ${name}\n`);
  await drained(channel, half);
  await allAreHalfway();
  await drained(channel, half);
  channel.end(Buffer.of(0));
  await closed;
  if (!replies.equals(Buffer.alloc(3))) throw new Error(`scp: ${name}: ${JSON.stringify(replies.toString())}`);
}

/** The same by SFTP. */
export async function uploadBySftp(client, name, allAreHalfway) {
  const sftp = await new Promise((resolve, reject) =>
    client.sftp((error, it) => (error ? reject(error) : resolve(it))),
  );
  const file = sftp.createWriteStream(name);
  const finished = new Promise((resolve, reject) => {
    file.once('close', resolve);
    file.once('error', reject);
  });
  await drained(file, half);
  await allAreHalfway();
  await drained(file, half);
  file.end();
  await finished;
  sftp.end();
}

/** @throws where a file is not what was sent. */
export async function checkUploads(directory, names) {
  for (const name of names) {
    const content = await readFile(join(directory, name));
    const whole = content.length === half.length * 2 && content.subarray(0, half.length).equals(half);
    if (!whole || !content.subarray(half.length).equals(half)) throw new Error(`${name}: the copy differs`);
  }
}

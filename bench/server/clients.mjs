import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import ssh2 from 'ssh2';

/** A connection that has logged in. */
export async function logIn(login) {
  const client = new ssh2.Client();
  const ready = new Promise((resolve, reject) => {
    client.once('ready', resolve);
    client.once('error', reject);
    client.once('close', () => reject(new Error('the server closed the connection')));
  });
  client.connect({ readyTimeout: 120_000, ...login });
  await ready;
  client.on('error', () => {});
  return client;
}

/** Ends a connection and waits until it is closed. */
export async function leave(client) {
  const closed = once(client, 'close');
  client.end();
  await closed;
}

/** A TCP connection that has received the server's first words and said `words`. */
export async function talk(port, words = '') {
  const socket = connectTcp({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.resume();
  if (words !== '') {
    await once(socket, 'data');
    socket.write(words);
  }
  return socket;
}

/** Runs at most `width` at a time. */
export async function inParallel(count, width, work) {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

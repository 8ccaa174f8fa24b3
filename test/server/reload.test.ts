import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../src/server/server.ts';
import { tempDirectory } from '../support/temp.ts';
import { exec, login, makeHostKey, PASSWORD_HASH, rawConnect, run, startTestServer } from './support.ts';

const local = { address: '127.0.0.1', port: 0 };

describe('a server that takes other settings', () => {
  it('keeps sessions and transfers under way, lets new users in and old ones out', async () => {
    const { server, port, root } = await startTestServer();
    const client = await login(port);
    const upload = await exec(client, 'scp -t f');
    upload.resume().write('C0644 4 f\n');
    const other = await tempDirectory('other');
    await server.reload({ ...options(other), users: [{ name: 'bob', password: 'x' }] });
    await expect(login(port)).rejects.toThrow('authentication methods failed');
    const bob = await login(port, { username: 'bob', password: 'x' });
    expect(await run(bob, 'scp -t g', 'C0644 2 g\nhi\0')).toMatchObject({ code: 0 });
    expect(await readFile(join(other, 'g'), 'utf8')).toBe('hi');
    upload.end('data\0');
    await once(upload, 'close');
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('data');
    expect(await run(client, 'scp -t h', 'C0644 2 h\nhi\0')).toMatchObject({ code: 0 });
    expect(await readFile(join(root, 'h'), 'utf8')).toBe('hi');
  });

  it('keeps everything where they make no sense', async () => {
    const { server, port, root } = await startTestServer();
    const addresses = server.addresses;
    await expect(server.reload({ ...options(root), root: join(root, 'none') })).rejects.toThrow('No such file');
    await expect(server.reload({ ...options(root), limits: { channels: 0 } })).rejects.toThrow('not above 0');
    const taken = { address: '127.0.0.1', port };
    await expect(server.reload({ ...options(root), listen: [local, local, taken] })).rejects.toThrow(
      'address already in use',
    );
    expect(server.addresses).toEqual(addresses);
    await login(port);
  });

  it('keeps addresses that stay, opens new ones and closes those that are gone', async () => {
    const { server, port, root } = await startTestServer();
    await server.reload({ ...options(root), listen: [local, local] });
    expect(server.addresses[0]?.port).toBe(port);
    const second = server.addresses[1]?.port ?? 0;
    await login(second);
    await server.reload({ ...options(root), listen: [{ address: '127.0.0.1', port: second }] });
    expect(server.addresses).toEqual([{ address: '127.0.0.1', port: second }]);
    await login(second);
    const refused = rawConnect(port);
    await expect(refused).rejects.toThrow('ECONNREFUSED');
  });
});

describe('limits that hold for the server as a whole', () => {
  it('sessions of one user: the one too many is told why and goes, and a place is free again', async () => {
    const { server, port, events } = await startTestServer({ limits: { sessionsPerUser: 1 } });
    const first = await login(port);
    const second = await login(port).catch((error: Error) => error);
    if (!(second instanceof Error)) await once(second, 'close');
    expect(events.filter(({ type }) => type === 'login-refused')).toMatchObject([
      { user: 'alice', reason: 'limit sessions-per-user: 1 are open' },
    ]);
    expect(server.sessions().filter(({ user }) => user === 'alice')).toHaveLength(1);
    first.end();
    await once(first, 'close');
    while (server.connections > 0) await new Promise(setImmediate);
    await login(port);
  });

  it('transfers of one user: the one too many is refused in its own protocol', async () => {
    const { server, port } = await startTestServer({ limits: { transfersPerUser: 1 } });
    const client = await login(port);
    const upload = await exec(client, 'scp -t f');
    await once(upload, 'data');
    const refused = await run(client, 'scp -t g');
    expect(refused.stdout.toString()).toContain('\u0001scp: 1 transfers of this user are under way');
    expect(refused.code).toBe(1);
    upload.end();
    await once(upload, 'close');
    expect(server.transfers()).toEqual([]);
    expect(await run(client, 'scp -t g', 'C0644 2 g\nhi\0')).toMatchObject({ code: 0 });
  });
});

it('sessions and transfers are listed, and a session can be ended with its transfers', async () => {
  const { server, port, event } = await startTestServer();
  const client = await login(port);
  const upload = await exec(client, 'scp -t f');
  await once(upload, 'data');
  upload.write('C0644 10 f\nabc');
  while (server.transfers()[0]?.fileBytes !== 3) await new Promise(setImmediate);
  expect(server.transfers()).toMatchObject([{ id: 1, path: 'f', file: '/f', fileSize: 10, direction: 'received' }]);
  expect(server.sessions()).toMatchObject([{ id: 1, user: 'alice', transfers: 1 }]);
  expect(server.kick(2)).toBe(false);
  expect(server.kick(1)).toBe(true);
  expect(await event('transfer-ended')).toMatchObject({ status: undefined, bytes: 3 });
  expect(await event('connection-closed')).toMatchObject({ reason: 'ended by the operator' });
  expect(server.transfers()).toEqual([]);
});

function options(root: string): Omit<ServerOptions, 'onEvent'> {
  return { hostKeys: [makeHostKey()], users: [{ name: 'alice', passwordHash: PASSWORD_HASH }], root, listen: [local] };
}

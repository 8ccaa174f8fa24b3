import { once } from 'node:events';
import { chmod, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ControlClient } from '../../../src/server/control/client.ts';
import {
  MAX_LISTED,
  MAX_REQUEST_BYTES,
  readControlRequest,
  type SessionReport,
} from '../../../src/server/control/protocol.ts';
import { ControlServer, type ControlTarget } from '../../../src/server/control/server.ts';
import { tempDirectory } from '../../support/temp.ts';

let state: string;
let sessions: SessionReport[];
let kicked: string[];

const target: ControlTarget = {
  status: () => Promise.reject(new Error('out of order')),
  sessions: async () => sessions,
  transfers: async () => [],
  kick: async (id) => {
    kicked.push(id);
    return id === '1';
  },
};

beforeEach(async () => {
  state = await tempDirectory('state');
  await chmod(state, 0o700);
  sessions = [];
  kicked = [];
});

async function open(): Promise<ControlServer> {
  const server = await ControlServer.open(state, target);
  onTestFinished(() => server.close());
  return server;
}

/** Sends these bytes and gives what comes back until the server closes or a line is complete. */
async function talk(bytes: string): Promise<string> {
  const socket = connect(join(state, 'control.sock'));
  onTestFinished(() => void socket.destroy());
  socket.setEncoding('utf8').write(bytes);
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    if (text.endsWith('\n')) break;
  }
  return text;
}

describe('the control socket', () => {
  it('answers its owner, one line for each', async () => {
    await open();
    expect((await stat(join(state, 'control.sock'))).mode & 0o777).toBe(0o600);
    sessions = [
      {
        id: '1',
        address: '127.0.0.1',
        port: 9,
        user: 'a',
        sinceMs: 1,
        bytesRead: 0,
        bytesWritten: 0,
        transfers: 0,
        queuedBytes: 0,
      },
    ];
    const client = await ControlClient.open(state);
    expect(await client.ask({ command: 'sessions' })).toEqual({ version: 1, ok: true, sessions, more: 0 });
    expect(await client.ask({ command: 'kick', id: '1' })).toEqual({ version: 1, ok: true, kicked: '1' });
    expect(await client.ask({ command: 'kick', id: '2' })).toEqual({ version: 1, ok: false, error: 'no session 2' });
    expect(await client.ask({ command: 'status' })).toEqual({ version: 1, ok: false, error: 'out of order' });
    await client[Symbol.asyncDispose]();
  });

  it('cuts long lists and says so', async () => {
    await open();
    const one = {
      address: '127.0.0.1',
      port: 9,
      sinceMs: 1,
      bytesRead: 0,
      bytesWritten: 0,
      transfers: 0,
      queuedBytes: 0,
    };
    sessions = Array.from({ length: MAX_LISTED + 7 }, (_, id) => ({ ...one, id: String(id) }));
    const client = await ControlClient.open(state);
    const answer = await client.ask({ command: 'sessions' });
    expect(answer).toMatchObject({ ok: true, more: 7 });
    expect('sessions' in answer && answer.sessions.length).toBe(MAX_LISTED);
    await client[Symbol.asyncDispose]();
  });

  it('does not take requests without end, nor what is none', async () => {
    await open();
    expect(await talk('x'.repeat(MAX_REQUEST_BYTES + 1))).toContain('a request has at most');
    expect(await talk('hello\n')).toContain('not JSON');
    expect(await talk('{"version":2,"command":"status"}\n')).toContain('version 1 is spoken here');
    expect(kicked).toEqual([]);
  });

  it('is not taken from a server that runs, and taken from one that was killed', async () => {
    await open();
    await expect(ControlServer.open(state, target)).rejects.toThrow('another server uses this state folder');
    const other = await tempDirectory('state');
    await chmod(other, 0o700);
    await writeFile(join(other, 'control.sock'), '');
    await (await ControlServer.open(other, target)).close();
  });

  it('is not made where others could reach it, or where it cannot be', async () => {
    await chmod(state, 0o755);
    await expect(ControlServer.open(state, target)).rejects.toThrow('others may use the state folder');
    await expect(ControlServer.open(join(state, 'x'.repeat(120)), target)).rejects.toThrow('more than 103 bytes');
  });

  it('is not there where no server runs', async () => {
    await expect(ControlClient.open(state)).rejects.toThrow('no server runs with this state folder');
  });

  it('that goes away ends the question', async () => {
    const server = await ControlServer.open(state, { ...target, transfers: () => new Promise(() => {}) });
    const client = await ControlClient.open(state);
    const answer = client.ask({ command: 'transfers' });
    const failed = answer.catch((error: Error) => error.message);
    await server.close();
    expect(await failed).toContain('the server has gone away');
  });

  it('serves so many at a time', async () => {
    await open();
    const sockets = Array.from({ length: 16 }, () => connect(join(state, 'control.sock')));
    onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    expect(await talk('{"version":1,"command":"sessions"}\n')).toContain('16 clients look already');
  });
});

it('any line gives a request or a reason', () => {
  const json = fc
    .record({ version: fc.anything(), command: fc.anything(), id: fc.anything() })
    .map((value) => JSON.stringify(value) ?? '');
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), json), (line) => {
      const request = readControlRequest(line);
      expect(typeof request === 'string' || request.version === 1).toBe(true);
    }),
  );
  expect(readControlRequest('{"version":1,"command":"kick","id":"2.17"}')).toEqual({
    version: 1,
    command: 'kick',
    id: '2.17',
  });
  expect(readControlRequest('{"version":1,"command":"kick","id":"../x"}')).toBe('kick needs the id of a session');
});

import { describe, expect, it } from 'vitest';
import { findPeer, needsPeer, type Peer, peerVerdict } from './peers.ts';

const absent: Peer = { name: 'warpd', debianPackage: 'warp-server', command: 'no-such-program-anywhere' };
const absentUnpackaged: Peer = { name: 'vendor-ssh', command: '/nonexistent/vendor-ssh' };
const present: Peer = { name: 'node', debianPackage: 'nodejs', command: process.execPath };

describe('a test that needs a peer', () => {
  it('runs when the peer is here', () => {
    expect(peerVerdict([present], { CI: 'true' })).toEqual({ kind: 'run' });
    expect(needsPeer(present, {})).toBe(process.execPath);
  });

  it('is skipped with a reason when the peer is missing', () => {
    expect(peerVerdict([present, absent], { PATH: '/usr/bin' })).toEqual({
      kind: 'skip',
      reason: 'missing peer: warpd (Debian package warp-server)',
    });
  });

  it('fails in CI and names what to install when Debian packages the peer', () => {
    const verdict = peerVerdict([absent, absentUnpackaged], { CI: 'true' });
    expect(verdict).toMatchObject({ kind: 'fail' });
    expect(verdict).toHaveProperty('reason', expect.stringContaining('apt-get install warp-server'));
  });

  it('is skipped even in CI when Debian has no such package', () => {
    expect(peerVerdict([absentUnpackaged], { CI: 'true' })).toMatchObject({ kind: 'skip' });
  });

  it('is skipped in a unit run, whatever is here', () => {
    expect(peerVerdict([present], { CI: 'true', SEALIFT_PEERS: 'off' })).toMatchObject({ kind: 'skip' });
    expect(findPeer(present, { SEALIFT_PEERS: 'off' })).toBeUndefined();
  });

  it('does not take a folder on PATH for a program', () => {
    expect(findPeer({ name: 'bin', command: 'bin' }, { PATH: '/usr' })).toBeUndefined();
  });

  it('learns the package from the error when it asks for the path itself', () => {
    expect(() => needsPeer(absent, { PATH: '' })).toThrow('warp-server');
  });
});

import { expect, it } from 'vitest';
import { land } from '../../src/files/landing.ts';
import { PowerCutDisk } from '../support/power-cut-disk.ts';

const OLD = Buffer.alloc(700_000, 'old ');
const NEW = Buffer.alloc(900_000, 'new ');

/** Replaces the file `x.SPA`, in pieces. */
async function replace(disk: PowerCutDisk, durable: boolean): Promise<void> {
  const landing = await land(disk.directory('flash'), 'x.SPA', { mode: 0o644, durable });
  try {
    for (let at = 0; at < NEW.length; at += 300_000) await landing.write(NEW.subarray(at, at + 300_000));
    await landing.commit({});
  } catch (error) {
    await landing.discard();
    throw error;
  }
}

/** Everything that may be found under the name, or wrong beside it, after a cut at each call. */
async function outcomes(
  hasOld: boolean,
  durable: boolean,
): Promise<{ readonly found: Set<string>; readonly restarts: number }> {
  const before = new PowerCutDisk();
  if (hasOld) {
    const file = await before.directory('flash').open('x.SPA', { access: 'write', create: 'new' });
    await file.write([OLD], 0);
  } else before.directory('flash');
  const found = new Set<string>();
  let restarts = 0;
  for (let cut = 0; ; cut++) {
    const world = before.restarted();
    world.cutAt = cut;
    let isDone = false;
    await replace(world, durable).then(
      () => {
        isDone = true;
      },
      () => {},
    );
    for (const disk of world.survivors()) {
      restarts++;
      for (const [name, { content }] of disk.image()) {
        if (/^flash\/\.x\.SPA\.[0-9a-f]{12}\.sealift-part$/.test(name)) continue;
        const what = content.equals(OLD) ? 'old' : content.equals(NEW) ? 'new' : `${content.length} bytes of a mixture`;
        found.add(`${name.slice(6)}: ${what}${isDone ? ', after it was reported' : ''}`);
      }
      if (!disk.image().has('flash/x.SPA')) found.add(`none${isDone ? ', after it was reported' : ''}`);
    }
    if (!world.isCut) return { found, restarts };
  }
}

it('an image that is replaced is the whole old one or the whole new one after a power cut at any call', async () => {
  const { found, restarts } = await outcomes(true, true);
  expect([...found].sort()).toEqual(['x.SPA: new', 'x.SPA: new, after it was reported', 'x.SPA: old']);
  expect(restarts).toBeGreaterThan(40);
});

it('an image that is new is whole or not there', async () => {
  const { found } = await outcomes(false, true);
  expect([...found].sort()).toEqual(['none', 'x.SPA: new', 'x.SPA: new, after it was reported']);
});

it('without a sync it would be neither: what the test looks for can be found', async () => {
  const { found } = await outcomes(true, false);
  expect([...found]).toEqual(
    expect.arrayContaining(['x.SPA: old, after it was reported', 'x.SPA: 0 bytes of a mixture']),
  );
});

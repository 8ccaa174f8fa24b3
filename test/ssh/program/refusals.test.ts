import { expect, it } from 'vitest';
import { Refusals } from '../../../src/ssh/program/refusals.ts';

const LINE = 'channel 4: open failed: connect failed: open failed\r\n';

it('what is said before anybody asked for more is the user’s to read', () => {
  expect(new Refusals().without(Buffer.from(LINE)).toString()).toBe(LINE);
});

it('takes out the lines about refused channels and leaves every other byte', () => {
  const refusals = new Refusals();
  refusals.hide();
  const other = Buffer.from([0xff, 0x61, 0x0a]);
  expect(refusals.without(Buffer.concat([other, Buffer.from(LINE), Buffer.from(LINE), other]))).toEqual(
    Buffer.concat([other, other]),
  );
  const plain = Buffer.from('the open failed\n');
  expect(refusals.without(plain)).toEqual(plain);
});

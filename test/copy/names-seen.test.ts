import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type NameBudget, NamesSeen } from '../../src/copy/names-seen.ts';

const roomy = (): NameBudget => ({ left: Number.POSITIVE_INFINITY });

it('tells a name that was there from one that was not, for any names', () => {
  const names = fc.array(fc.string({ unit: 'binary', maxLength: 4 }), { maxLength: 300 });
  fc.assert(
    fc.property(names, (list) => {
      const seen = new NamesSeen(roomy());
      const known = new Set<string>();
      for (const name of list) {
        if (seen.add(name, 'd') === known.has(name)) return false;
        known.add(name);
      }
      return true;
    }),
  );
});

it('takes 200,000 names that differ in little for different ones', () => {
  const seen = new NamesSeen(roomy());
  const added = (): number => {
    let fresh = 0;
    for (let number = 0; number < 200_000; number++) if (seen.add(`IMG_${number}.jpg`, 'd')) fresh++;
    return fresh;
  };
  expect(added()).toBe(200_000);
  expect(added()).toBe(0);
});

it('takes no more than its budget, which it gives back in the end', () => {
  const budget: NameBudget = { left: 3 };
  const [one, two] = [new NamesSeen(budget), new NamesSeen(budget)];
  for (const name of ['a', 'b']) one.add(name, 'one');
  two.add('a', 'two');
  expect(() => one.add('c', 'one')).toThrow(expect.objectContaining({ code: 'ERR_LIMIT', path: 'one' }));
  // What is known takes no room.
  expect(one.add('a', 'one')).toBe(false);
  one.forget();
  expect(budget.left).toBe(2);
  expect(two.add('b', 'two')).toBe(true);
});

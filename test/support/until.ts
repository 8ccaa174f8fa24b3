import { setImmediate as turn } from 'node:timers/promises';

/** Waits until the condition holds, as long as the work it belongs to is still going on. */
export async function until(condition: () => Promise<boolean>, work: Promise<unknown>): Promise<void> {
  let over = false;
  const end = () => {
    over = true;
  };
  void work.then(end, end);
  while (!(await condition())) {
    if (over) throw new Error('the work ended before what was waited for happened');
    await turn();
  }
}

/** Numbers with dots between them. */
const numbers = /^\d{1,9}(?:\.\d{1,9}){0,7}$/;

/** Whether a loader is as new as an image needs it to be. Versions that are no numbers with dots are only as new as themselves. */
export function isLoaderNewEnough(loader: string, needed: string): boolean {
  if (loader === needed) return true;
  if (!numbers.test(loader) || !numbers.test(needed)) return false;
  const [own, least] = [loader, needed].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (let place = 0; place < Math.max(own.length, least.length); place++) {
    const difference = (own[place] ?? 0) - (least[place] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

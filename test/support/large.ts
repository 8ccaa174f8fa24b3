/** Whether everything is to run, whatever it takes: SEALIFT_LARGE=1. Without it CI leaves out what costs much and repeats in another combination what it sees elsewhere. */
export const runsEverything: boolean = process.env['SEALIFT_LARGE'] === '1';

/** The part of the cases that one of several forms takes: each case runs in one of them, each form gets every so manieth; all of them in all where everything is to run. */
export function shareOf<T, F>(form: F, forms: readonly F[], cases: readonly T[]): readonly T[] {
  return runsEverything ? cases : cases.filter((_, index) => index % forms.length === forms.indexOf(form));
}

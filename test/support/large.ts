/** Whether everything is to run, whatever it takes: SEALIFT_LARGE=1. Without it CI leaves out what costs much and repeats in another combination what it sees elsewhere. */
export const runsEverything: boolean = process.env['SEALIFT_LARGE'] === '1';

/** How many inputs a fuzz test tries: `SEALIFT_FUZZ=1000000` for a long look, else so many that a run of all tests stays short. */
export function fuzzRuns(usual: number): number {
  return Number(process.env['SEALIFT_FUZZ'] ?? usual);
}

/** A time limit for so many runs. Milliseconds. */
export function fuzzTimeout(runs: number, eachMs = 2): number {
  return Math.max(120_000, runs * eachMs);
}

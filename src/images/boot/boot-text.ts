import { printable } from '../../base/printable.ts';
import { imageTypeWord } from '../display.ts';
import type { BootDecision } from './decide.ts';

/** What a loader prints of its decision. */
export function bootDecisionLines(decision: BootDecision): readonly string[] {
  const lines = decision.refused.flatMap(({ name, error }) => [
    `Verification FAILED for ${printable(name)}, REASON: ${printable(reasonOf(error))}`,
  ]);
  if (decision.kind === 'none') return [...lines, 'autoboot: boot failed'];
  const { image } = decision;
  const versions = [...new Set(image.signers.map(({ key }) => key.version))].join(', ');
  return [
    ...lines,
    `Digitally Signed ${imageTypeWord(image.info.type)} Software with key version ${versions}`,
    ...image.warnings.map((warning) => `% Warning: ${printable(warning)}`),
  ];
}

function reasonOf(error: Error & { readonly reason?: string }): string {
  return error.reason ?? error.message;
}

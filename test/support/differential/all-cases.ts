import type { Case } from './case.ts';
import { hostCases } from './cases-hosts.ts';
import { modeCases } from './cases-modes.ts';
import { nameCases } from './cases-names.ts';
import { operandCases } from './cases-operands.ts';
import { optionCases } from './cases-options.ts';
import { permissionCases } from './cases-permissions.ts';
import { sourceCases } from './cases-sources.ts';
import { targetCases } from './cases-targets.ts';

/** The whole table. */
export const allCases: readonly Case[] = [
  ...operandCases,
  ...nameCases,
  ...sourceCases,
  ...targetCases,
  ...permissionCases,
  ...modeCases,
  ...hostCases,
  ...optionCases,
];

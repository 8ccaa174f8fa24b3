import type { FieldNode, PlainValue, TypeNode } from './schema-types.ts';
import { formatBytes, formatMilliseconds } from './units.ts';

/** The reference of a configuration as Markdown: a table for each object, in the order of the schema. */
export function referencePage(type: TypeNode, title: string, introduction: string): string {
  const sections: string[] = [];
  collect(type, '', sections);
  return `# ${title}\n\n${introduction.trim()}\n\n${sections.join('\n')}`;
}

function collect(type: TypeNode, path: string, sections: string[]): void {
  if (type.kind === 'list') collect(type.of, `${path}[]`, sections);
  if (type.kind !== 'object') return;
  const rows = type.fields.map(
    (field) => `| \`${field.key}\` | ${valueOf(field.type)} | ${standardOf(field)} | ${cell(field.doc)} |`,
  );
  const heading = path === '' ? 'The file' : `\`${path}\``;
  sections.push(`## ${heading}\n\n| key | value | without it | |\n|---|---|---|---|\n${rows.join('\n')}\n`);
  for (const field of type.fields) collect(field.type, path === '' ? field.key : `${path}.${field.key}`, sections);
}

function valueOf(type: TypeNode): string {
  switch (type.kind) {
    case 'object':
      return 'see below';
    case 'list':
      return type.of.kind === 'object' ? 'a list, see below' : `a list: ${valueOf(type.of)}`;
    case 'choice':
      return type.values.map((value) => `\`${value}\``).join(', ');
    case 'text': {
      const examples = type.examples.map((example) => `\`${example}\``).join(', ');
      return cell(examples === '' ? type.what : `${type.what}: ${examples}`);
    }
    case 'boolean':
      return '`true`, `false`';
    case 'integer':
      return `${type.min} to ${type.max}`;
    case 'size':
      return range('a size', type, formatBytes);
    case 'duration':
      return range('a time', type, formatMilliseconds);
    default:
      return type satisfies never;
  }
}

/** The largest value a timer takes is no bound that anybody has to know. */
function range(
  what: string,
  type: { readonly min: number; readonly max: number },
  format: (value: number) => string,
): string {
  const isOpen = type.max >= 2_147_483_647 && type.max !== 1024 ** 4;
  return isOpen ? `${what} from ${format(type.min)}` : `${what}, ${format(type.min)} to ${format(type.max)}`;
}

function standardOf({ presence }: FieldNode): string {
  switch (presence.kind) {
    case 'required':
      return '**required**';
    case 'optional':
      return presence.otherwise === undefined ? '' : cell(presence.otherwise);
    case 'default':
      return isEmpty(presence.value) ? 'none' : `\`${[presence.value].flat().join(', ')}\``;
    case 'section':
      return '';
    default:
      return presence satisfies never;
  }
}

function isEmpty(value: PlainValue): boolean {
  return typeof value === 'object' && value.length === 0;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

import type { FieldNode, TypeNode } from './schema-types.ts';

/** Any value of JSON. */
export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

const SIZE_PATTERN = '^\\d{1,16}(\\.\\d{1,6})? ?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?$';
const DURATION_PATTERN = '^\\d{1,16}(\\.\\d{1,6})? ?(ms|s|min|h|d)$';

/** The JSON schema (draft-07, which editors know best) of a configuration. It allows a little more than the checker: what a text must look like in detail is left out. */
export function jsonSchema(type: TypeNode, title: string): Json {
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...describe(type) };
}

function describe(type: TypeNode): { readonly [key: string]: Json } {
  switch (type.kind) {
    case 'object':
      return {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(type.fields.map((field) => [field.key, property(field)])),
        required: type.fields.filter(({ presence }) => presence.kind === 'required').map(({ key }) => key),
      };
    case 'list': {
      const { of, min, max } = type;
      const items = describe(of);
      return { anyOf: [{ type: 'array', items, minItems: min, maxItems: max }, items] };
    }
    case 'choice':
      return { enum: type.values };
    case 'text':
      return {
        type: 'string',
        minLength: 1,
        maxLength: type.maxLength,
        ...(type.examples.length === 0 ? {} : { examples: type.examples }),
      };
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return { type: 'integer', minimum: type.min, maximum: type.max };
    case 'size':
      return {
        anyOf: [
          { type: 'integer', minimum: type.min },
          { type: 'string', pattern: SIZE_PATTERN },
        ],
      };
    case 'duration':
      return { type: 'string', pattern: DURATION_PATTERN };
    default:
      return type satisfies never;
  }
}

function property({ type, doc, presence }: FieldNode): Json {
  const standard: { [key: string]: Json } = presence.kind === 'default' ? { default: presence.value } : {};
  const described = describe(type);
  // `key:` with nothing after it is the same as no key.
  if (presence.kind === 'required') return { description: doc, ...described };
  return { description: doc, ...standard, anyOf: [described, { type: 'null' }] };
}

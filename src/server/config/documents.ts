import { jsonSchema } from './json-schema.ts';
import { referencePage } from './reference.ts';
import { configType } from './schema.ts';

const introduction = `
Made from the schema that \`sealift serve -c\` checks with; \`npm run docs:config\` writes it again. [The example](../../examples/sealift.yaml) shows most of it in place, and
[the guide](../guide/operating-a-server.md) says how to run a server with it. For completion in an editor, begin the file with

\`\`\`yaml
# yaml-language-server: $schema=https://unpkg.com/sealift/docs/sealift.schema.json
\`\`\`

The file is YAML 1.2, at most 1 MiB. Every key is known or an error; every error is told with file, line and column, all of them at once. One value may stand where a list is expected.
Sizes have a unit (\`512 MiB\`, \`10 GB\`) or are bytes; times always have one (\`500 ms\`, \`30 s\`, \`2 min\`, \`1 h\`, \`7 d\`). Relative paths begin at the folder of the file.
`;

/** What is written from the schema, with paths relative to the project. A test keeps the files the same as this. */
export function configDocuments(): readonly { readonly path: string; readonly text: string }[] {
  return [
    { path: 'docs/sealift.schema.json', text: `${JSON.stringify(jsonSchema(configType, 'sealift.yaml'), null, 2)}\n` },
    { path: 'docs/reference/sealift.yaml.md', text: referencePage(configType, 'sealift.yaml', introduction) },
  ];
}

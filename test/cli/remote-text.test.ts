import fc from 'fast-check';
import { expect, it } from 'vitest';
import { printableLines } from '../../src/base/printable.ts';
import { RemoteText } from '../../src/cli/terminal/remote-text.ts';

/** What is shown of bytes that come in these chunks, one entry for each time it is written. */
function show(chunks: readonly Uint8Array[]): string[] {
  const shown: string[] = [];
  const text = new RemoteText((piece) => shown.push(piece));
  for (const chunk of chunks) text.push(Buffer.from(chunk));
  text.flush();
  return shown;
}

it('shows lines as they become whole, and a last line with an end', () => {
  expect(show([Buffer.from('one\ntw'), Buffer.from('o\nthree')])).toEqual(['one\n', 'two\n', 'three', '\n']);
});

it('shows nothing of nothing', () => {
  expect(show([])).toEqual([]);
});

it.each(['\r\n', '🚢', '\x1b', 'é'])('takes no %j apart where long text is shown in pieces', (unit) => {
  for (let before = 1000; before < 1030; before++) {
    const text = `${'a'.repeat(before)}${unit.repeat(3000)}\n`;
    expect(show([Buffer.from(text)]).join('')).toBe(printableLines(text));
  }
});

it('shows the same text in whatever chunks it comes', () => {
  const line = fc.string({ unit: 'binary', maxLength: 3000 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), fc.integer({ min: 1, max: 5000 }), (lines, size) => {
      const bytes = Buffer.from(lines.map((text) => `${text.replaceAll('\n', '')}\n`).join(''));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(show(chunks).join('')).toBe(printableLines(bytes.toString()));
    }),
  );
});

it('writes no long piece, even of a line without end', () => {
  const pieces = show([Buffer.from('\x1b'.repeat(100_000))]);
  expect(pieces.join('')).toBe('\\033'.repeat(100_000));
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(4 * 1025);
});

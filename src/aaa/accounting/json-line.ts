/** As printable.ts: controls, format characters, line separators, lone surrogates, noncharacters. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u{fffe}\u{ffff}]/gu;

/** Escapes in JSON what may stand there and should not be seen by a terminal. The value stays the same. */
export function unsafeAsEscapes(json: string): string {
  return json.replace(unsafe, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

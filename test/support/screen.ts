import { EventEmitter } from 'node:events';

/** A terminal of 60 columns that keeps its lines as a person would see them. */
export class Screen extends EventEmitter {
  columns = 60;
  readonly lines: string[] = [''];
  readonly write = (text: string): boolean => {
    for (const character of text) this.#put(character);
    return true;
  };
  #column = 0;

  #put(character: string): void {
    const line = this.lines.at(-1) ?? '';
    if (character === '\r') this.#column = 0;
    else if (character === '\n') {
      this.lines.push('');
      this.#column = 0;
    } else {
      this.lines[this.lines.length - 1] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
      this.#column++;
    }
  }

  get shown(): string[] {
    return this.lines.map((line) => line.replace(/ {2,}/g, '  ').trimEnd());
  }
}

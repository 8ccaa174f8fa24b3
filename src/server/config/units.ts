const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `10 GiB`, `1.5 MB`, `4096`: bytes. Undefined for anything else, and for what is no whole number of bytes up to 2^53-1. */
export function readSize(text: string): number | undefined {
  return readQuantity(text, sizeUnits);
}

/** `500 ms`, `2 min`, `1.5 h`: milliseconds. A number without a unit is refused: half of its readers would take it for the wrong one. */
export function readDuration(text: string): number | undefined {
  return readQuantity(text, durationUnits);
}

function readQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const parts = /^(\d{1,16}(?:\.\d{1,6})?) ?([A-Za-z]{0,3})$/.exec(text);
  const unit = parts === null || !Object.hasOwn(units, parts[2] ?? '') ? undefined : units[parts[2] ?? ''];
  if (unit === undefined) return undefined;
  const value = Number(parts?.[1]) * unit;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The shortest form that {@link readSize} reads back: `10 GiB`. */
export function formatBytes(bytes: number): string {
  return formatQuantity(bytes, ['TiB', 'GiB', 'MiB', 'KiB', 'B'], sizeUnits);
}

/** The shortest form that {@link readDuration} reads back: `2 min`. */
export function formatMilliseconds(milliseconds: number): string {
  return formatQuantity(milliseconds, ['d', 'h', 'min', 's', 'ms'], durationUnits);
}

function formatQuantity(value: number, names: readonly string[], units: Readonly<Record<string, number>>): string {
  const fits = names.find((name) => value > 0 && value % (units[name] ?? 1) === 0) ?? names.at(-1) ?? '';
  return `${value / (units[fits] ?? 1)} ${fits}`;
}

/** The figures of one process at one moment: `name{label="value"}` and its value. */
export type Snapshot = Readonly<Record<string, number>>;

export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** How the figures of several processes become one. Default: their sum. */
  readonly merge?: 'max';
}

/** A series. Labels and their values are ours: never a text of a peer, which could make series without end. */
export function series(name: string, labels: Readonly<Record<string, string>> = {}): string {
  const inner = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return inner.length === 0 ? name : `${name}{${inner.join(',')}}`;
}

/** The figures of several processes as one. */
export function mergeSnapshots(snapshots: readonly Snapshot[], families: readonly Family[]): Snapshot {
  const isMax = new Set(families.filter(({ merge }) => merge === 'max').map(({ name }) => name));
  const merged: Record<string, number> = {};
  for (const snapshot of snapshots) {
    for (const [key, value] of Object.entries(snapshot)) {
      const known = merged[key];
      if (known === undefined) merged[key] = value;
      else merged[key] = isMax.has(key.split('{')[0] ?? '') ? Math.max(known, value) : known + value;
    }
  }
  return merged;
}

/** The text format of Prometheus, version 0.0.4. */
export function renderMetrics(snapshot: Snapshot, families: readonly Family[]): string {
  const lines: string[] = [];
  const entries = Object.entries(snapshot);
  for (const { name, type, help } of families) {
    const own = entries.filter(([key]) => familyOf(key, type) === name);
    if (own.length === 0) continue;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...own.map(([key, value]) => `${key} ${value}`));
  }
  return `${lines.join('\n')}\n`;
}

function familyOf(key: string, type: Family['type']): string {
  const name = key.split('{')[0] ?? '';
  return type === 'histogram' ? name.replace(/_(?:bucket|sum|count)$/, '') : name;
}

/** Counts values in buckets. */
export class Histogram {
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<
    string,
    { readonly labels: Readonly<Record<string, string>>; counts: number[]; sum: number }
  >();

  /** @param bounds rising */
  constructor(name: string, bounds: readonly number[]) {
    this.#name = name;
    this.#bounds = bounds;
  }

  observe(labels: Readonly<Record<string, string>>, value: number): void {
    const key = series('', labels);
    let one = this.#series.get(key);
    if (one === undefined) {
      one = { labels, counts: Array<number>(this.#bounds.length + 1).fill(0), sum: 0 };
      this.#series.set(key, one);
    }
    const at = this.#bounds.findIndex((bound) => value <= bound);
    const index = at < 0 ? this.#bounds.length : at;
    one.counts[index] = (one.counts[index] ?? 0) + 1;
    one.sum += value;
  }

  snapshot(): Snapshot {
    const figures: Record<string, number> = {};
    for (const { labels, counts, sum } of this.#series.values()) {
      let below = 0;
      for (const [index, count] of counts.entries()) {
        below += count;
        const le = this.#bounds[index];
        figures[series(`${this.#name}_bucket`, { ...labels, le: le === undefined ? '+Inf' : String(le) })] = below;
      }
      figures[series(`${this.#name}_sum`, labels)] = sum;
      figures[series(`${this.#name}_count`, labels)] = below;
    }
    return figures;
  }
}

/** How much is there: bytes of the content of files, and entries of any kind. */
export interface Amount {
  readonly bytes: number;
  readonly entries: number;
}

/** What is counted below one folder, whoever writes there and by whatever limits. All methods are synchronous, so that uploads which run side by side cannot take the same room twice. */
export class Counter {
  #bytes: number;
  #entries: number;
  #reserved = 0;
  #addedBytes = 0;
  #addedEntries = 0;
  /** Bytes that are counted and may not be written yet. */
  #underWay = 0;
  #scan: { low: Amount; high: Amount; underWay: number; moved: Amount } | undefined;

  /** @param counted what is there */
  constructor(counted: Amount) {
    this.#bytes = counted.bytes;
    this.#entries = counted.entries;
  }

  get amount(): Amount {
    return { bytes: this.#bytes, entries: this.#entries };
  }

  /** Bytes that were promised and are not written. */
  get reserved(): number {
    return this.#reserved;
  }

  /** What this process has added so far, net of what it has removed. */
  get added(): Amount {
    return { bytes: this.#addedBytes, entries: this.#addedEntries };
  }

  /** Counts what is there, whether there is room for it or not; negative for what is gone. */
  add(bytes: number, entries = 0): void {
    this.#bytes = Math.max(0, this.#bytes + bytes);
    this.#entries = Math.max(0, this.#entries + entries);
    this.#addedBytes += bytes;
    this.#addedEntries += entries;
    this.#note();
  }

  reserve(bytes: number): void {
    this.#reserved += bytes;
  }

  takeReserved(bytes: number): void {
    this.#reserved -= bytes;
    this.add(bytes);
  }

  giveUpReserved(bytes: number): void {
    this.#reserved -= bytes;
  }

  /** Bytes that are counted are being written. @returns to be called when they are */
  writing(bytes: number): () => void {
    this.#underWay += bytes;
    this.#note();
    return () => {
      this.#underWay -= bytes;
    };
  }

  #note(): void {
    if (this.#scan === undefined) return;
    const { low, high, underWay, moved } = this.#scan;
    this.#scan = {
      moved,
      low: { bytes: Math.min(low.bytes, this.#bytes), entries: Math.min(low.entries, this.#entries) },
      high: { bytes: Math.max(high.bytes, this.#bytes), entries: Math.max(high.entries, this.#entries) },
      underWay: Math.max(underWay, this.#underWay),
    };
  }

  /** Something gets another name: a scan that goes on may see it twice, or not at all. @param bytes Infinity for a directory, whatever is in it */
  moving(bytes: number): void {
    if (this.#scan === undefined) return;
    const { moved } = this.#scan;
    const entries = Number.isFinite(bytes) ? 1 : Number.POSITIVE_INFINITY;
    this.#scan.moved = { bytes: moved.bytes + bytes, entries: moved.entries + entries };
  }

  /** A scan of what is really there begins. */
  scanBegins(): void {
    const none = { bytes: 0, entries: 0 };
    this.#scan = { low: this.amount, high: this.amount, underWay: this.#underWay, moved: none };
  }

  /**
   * A scan has ended. What it found is taken where it cannot come from what was going on meanwhile: then somebody else has changed files.
   *
   * @param found undefined: it failed, and nothing changes
   */
  scanEnds(found: Amount | undefined): void {
    const scan = this.#scan;
    this.#scan = undefined;
    if (scan === undefined || found === undefined) return;
    const { low, high, underWay, moved } = scan;
    this.#bytes += beyond(found.bytes, low.bytes - underWay - moved.bytes, high.bytes + moved.bytes);
    this.#entries += beyond(found.entries, low.entries - moved.entries, high.entries + moved.entries);
  }
}

/** How far a value lies outside a range. */
function beyond(value: number, low: number, high: number): number {
  if (value < low) return value - low;
  return Math.max(0, value - high);
}

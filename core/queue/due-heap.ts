/** A key and when it is due. `order` counts the keys as they came: of two that are due together the first is first. */
export type DueKey = Readonly<{ key: string; atMs: number; order: number }>;

/** Keys by when they are due: adding and taking the first cost the logarithm of how many there are. */
export type DueHeap = Readonly<{
  push: (entry: DueKey) => void;
  first: () => DueKey | undefined;
  shift: () => DueKey | undefined;
  size: () => number;
  /** Leaves out all that are not to be kept. */
  retain: (isKept: (entry: DueKey) => boolean) => void;
}>;

/** An empty binary heap (Williams, CACM 7(6), 1964). */
export function createDueHeap(): DueHeap {
  let entries: DueKey[] = [];
  const at = (index: number): DueKey => entries[index] as DueKey;
  const swap = (a: number, b: number): void => {
    [entries[a], entries[b]] = [at(b), at(a)];
  };
  const rise = (from: number): void => {
    for (let child = from; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!isBefore(at(child), at(parent))) return;
      swap(child, parent);
      child = parent;
    }
  };
  const sink = (from: number): void => {
    for (let parent = from; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < entries.length && isBefore(at(child), at(least))) least = child;
      }
      if (least === parent) return;
      swap(parent, least);
      parent = least;
    }
  };
  return {
    push: (entry) => rise(entries.push(entry) - 1),
    first: () => entries[0],
    shift: () => {
      const [first] = entries;
      const last = entries.pop();
      if (first === undefined || last === undefined || entries.length === 0) return first;
      entries[0] = last;
      sink(0);
      return first;
    },
    size: () => entries.length,
    retain: (isKept) => {
      // A sorted list is a heap.
      entries = entries.filter(isKept).sort((a, b) => (isBefore(a, b) ? -1 : 1));
    },
  };
}

/** Whether the first is to be taken before the second. */
export function isBefore(a: DueKey, b: DueKey): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

/** The known word that is nearest to what was typed, or null when none is near (Levenshtein distance of at most 3). */
export function suggest(typed: string, known: readonly string[]): string | null {
  const [best] = known
    .map((word) => ({ word, distance: distance(typed, word) }))
    .filter(({ word, distance }) => distance <= Math.min(3, Math.ceil(word.length / 2)))
    .sort((a, b) => a.distance - b.distance);
  return best?.word ?? null;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_none, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + change));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

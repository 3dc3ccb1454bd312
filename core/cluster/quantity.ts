const suffixes: Readonly<Record<string, number>> = {
  "": 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * A Kubernetes quantity (`3920m`, `4Gi`, `1e3`) in units of `unit` (1e-3 for thousandths of a core, 2 ** 20 for MiB), not rounded; nought when there
 * is none. Throws TypeError for what is no quantity (apimachinery resource.Quantity).
 */
export function quantityOf(text = "0", unit: number): number {
  const match = /^([+-]?[0-9.]+)(?:[eE]([+-]?[0-9]{1,2})|([KMGTPE]i|[numkMGTPE]?))$/.exec(text);
  const number = Number(match?.[1]);
  if (match === null || !Number.isFinite(number)) throw new TypeError(`"${text}" is not a quantity`);
  const [, , exponent, suffix = ""] = match;
  const scale = exponent === undefined ? (suffixes[suffix] ?? Number.NaN) : 10 ** Number(exponent);
  // 0.1 + 0.2: a millionth is past what any resource counts.
  return Math.round((number * scale * 1e6) / unit) / 1e6;
}

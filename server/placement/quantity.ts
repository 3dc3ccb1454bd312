const units: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity (`3920m`, `8`) in thousandths, rounded down; 0 when there is none. */
export function milliOf(text = "0"): number {
  const match = /^([0-9.]+)(m?)$/.exec(text);
  if (match === null) throw new TypeError(`"${text}" is not a quantity of CPU`);
  return Math.floor(Number(match[1]) * (match[2] === "m" ? 1 : 1000));
}

/** A Kubernetes quantity of memory (`32780Ki`, `4Gi`) in MiB, rounded down; 0 when there is none. */
export function memoryMiBOf(text = "0"): number {
  const match = /^([0-9.]+)([KMGT]i|[kMGT]|)$/.exec(text);
  const unit = units[match?.[2] ?? ""];
  if (match === null || unit === undefined) throw new TypeError(`"${text}" is not a quantity of memory`);
  return Math.floor((Number(match[1]) * unit) / 2 ** 20);
}

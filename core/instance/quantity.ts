const binaryUnits = ["Mi", "Gi", "Ti", "Pi", "Ei"];

/** Milli-CPUs as the API server writes them back (`1500m`, `2`), so that what was asked for and what is there compare as text. */
export function cpuQuantity(cpuMilli: number): string {
  return cpuMilli % 1000 === 0 ? String(cpuMilli / 1000) : `${cpuMilli}m`;
}

/** MiB as the API server writes them back: the biggest unit that leaves a whole number (`4Gi`, `1536Mi`). */
export function memoryQuantity(memoryMiB: number): string {
  let amount = memoryMiB;
  let unit = 0;
  while (amount !== 0 && amount % 1024 === 0 && unit < binaryUnits.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return amount === 0 ? "0" : `${amount}${binaryUnits[unit]}`;
}

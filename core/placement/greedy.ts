import { fits, marginalCost, placeUnit, type SolverState } from "./solver-state.ts";

/**
 * Places the remaining units of a demand one by one where each costs least. A heap holds each candidate with the cost it had
 * when last looked at; costs only rise while a plan grows (but for the places of the big class), so the cheapest is found
 * without looking at all. Returns whether all are placed.
 */
export function placeGreedily(state: SolverState, k: number): boolean {
  const heap = createHeap(state.problem.tieKeys);
  for (let j = 0; j < state.problem.candidates; j += 1) {
    if (state.problem.allowed[k * state.problem.candidates + j] === 0) continue;
    if (fits(state, k, j)) heap.push(j, marginalCost(state, k, j));
  }
  state.effort += state.problem.candidates;
  while (state.remaining[k]! > 0) {
    const j = heap.pop();
    if (j < 0) return false;
    state.effort += 1;
    if (!fits(state, k, j)) continue;
    const cost = marginalCost(state, k, j);
    if (heap.isBefore(j, cost)) {
      placeUnit(state, k, j);
      heap.push(j, marginalCost(state, k, j));
    } else {
      heap.push(j, cost);
    }
  }
  return true;
}

/** A binary heap of candidates by cost, then by their tie key. */
function createHeap(keys: Float64Array) {
  const items: number[] = [];
  const costs: number[] = [];
  const less = (a: number, costA: number, b: number, costB: number) =>
    costA !== costB ? costA < costB : keys[a]! < keys[b]!;
  const swap = (a: number, b: number) => {
    const item = items[a]!;
    const cost = costs[a]!;
    items[a] = items[b]!;
    costs[a] = costs[b]!;
    items[b] = item;
    costs[b] = cost;
  };
  return {
    push(j: number, cost: number): void {
      items.push(j);
      costs.push(cost);
      let at = items.length - 1;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!less(items[at]!, costs[at]!, items[parent]!, costs[parent]!)) break;
        swap(at, parent);
        at = parent;
      }
    },
    /** Takes the cheapest out; -1 when empty. */
    pop(): number {
      const top = items[0];
      if (top === undefined) return -1;
      swap(0, items.length - 1);
      items.pop();
      costs.pop();
      for (let at = 0; ;) {
        const left = 2 * at + 1;
        if (left >= items.length) break;
        const right = left + 1;
        const child =
          right < items.length && less(items[right]!, costs[right]!, items[left]!, costs[left]!) ? right : left;
        if (!less(items[child]!, costs[child]!, items[at]!, costs[at]!)) break;
        swap(at, child);
        at = child;
      }
      return top;
    },
    /** Whether `j` at this cost is no dearer than the cheapest that is left. */
    isBefore(j: number, cost: number): boolean {
      const top = items[0];
      return top === undefined || less(j, cost, top, costs[0]!);
    },
  };
}

/** Counters of the CNI verbs in Prometheus' text form. */
export type Metrics = Readonly<{
  countCall: (call: Readonly<{ verb: string; code: number; seconds: number }>) => void;
  countConflict: () => void;
  countLeak: (kind: string) => void;
  /** `gauges`: present values, by metric name. */
  text: (gauges: Readonly<Record<string, Readonly<{ help: string; value: number; labels?: string }>>>) => string;
  /** Calls by verb and code, for `wcs-agent status`. */
  calls: () => readonly Readonly<{ verb: string; code: number; count: number }>[];
}>;

const boundsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const knownVerbs = new Set(["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"]);

type Histogram = { buckets: number[]; sum: number; count: number };

export function createMetrics(): Metrics {
  const durations = new Map<string, Histogram>();
  const calls = new Map<string, { verb: string; code: number; count: number }>();
  const leaks = new Map<string, number>();
  let conflicts = 0;

  return {
    countCall: ({ verb: given, code, seconds }) => {
      // What a caller sends is no label: it could be anything, and any number of things.
      const verb = knownVerbs.has(given) ? given : "other";
      const histogram = durations.get(verb) ?? { buckets: boundsSeconds.map(() => 0), sum: 0, count: 0 };
      durations.set(verb, histogram);
      boundsSeconds.forEach((bound, index) => {
        if (seconds <= bound) histogram.buckets[index] = (histogram.buckets[index] ?? 0) + 1;
      });
      histogram.sum += seconds;
      histogram.count += 1;
      const key = `${verb} ${code}`;
      const counted = calls.get(key) ?? { verb, code, count: 0 };
      counted.count += 1;
      calls.set(key, counted);
    },
    countConflict: () => void (conflicts += 1),
    countLeak: (kind) => void leaks.set(kind, (leaks.get(kind) ?? 0) + 1),
    calls: () => [...calls.values()],
    text: (gauges) => {
      const lines = ["# HELP wcs_agent_cni_seconds How long CNI calls took.", "# TYPE wcs_agent_cni_seconds histogram"];
      for (const [verb, { buckets, sum, count }] of durations) {
        boundsSeconds.forEach((bound, index) =>
          lines.push(`wcs_agent_cni_seconds_bucket{verb="${verb}",le="${bound}"} ${buckets[index] ?? 0}`),
        );
        lines.push(`wcs_agent_cni_seconds_bucket{verb="${verb}",le="+Inf"} ${count}`);
        lines.push(
          `wcs_agent_cni_seconds_sum{verb="${verb}"} ${sum}`,
          `wcs_agent_cni_seconds_count{verb="${verb}"} ${count}`,
        );
      }
      lines.push(
        "# HELP wcs_agent_cni_errors_total CNI calls that failed.",
        "# TYPE wcs_agent_cni_errors_total counter",
      );
      for (const { verb, code, count } of calls.values()) {
        if (code !== 0) lines.push(`wcs_agent_cni_errors_total{verb="${verb}",code="${code}"} ${count}`);
      }
      lines.push("# HELP wcs_agent_address_conflicts_total Addresses that others answered for.");
      lines.push("# TYPE wcs_agent_address_conflicts_total counter", `wcs_agent_address_conflicts_total ${conflicts}`);
      lines.push("# HELP wcs_agent_leaks_total Leaks that were ended.", "# TYPE wcs_agent_leaks_total counter");
      for (const [kind, count] of leaks) lines.push(`wcs_agent_leaks_total{kind="${kind}"} ${count}`);
      for (const [name, { help, value, labels }] of Object.entries(gauges)) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name}${labels ? `{${labels}}` : ""} ${value}`);
      }
      return `${lines.join("\n")}\n`;
    },
  };
}

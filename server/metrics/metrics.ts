import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** The server's Prometheus metrics. A feature adds its own to `registry`. */
export type Metrics = Readonly<{
  registry: Registry;
  answered: (operation: string, status: number, durationMs: number) => void;
  reconciled: (name: string, ok: boolean, durationMs: number) => void;
  /** A gauge that is read when it is scraped. */
  gauge: (name: string, help: string, value: () => number) => void;
}>;

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "wcs_request_duration_seconds",
    help: "Time to answer, by operation and status",
    labelNames: ["operation", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5],
    registers: [registry],
  });
  const reconciles = new Histogram({
    name: "wcs_reconcile_duration_seconds",
    help: "Time of one reconcile, by reconciler",
    labelNames: ["reconciler"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  });
  const failures = new Counter({
    name: "wcs_reconcile_failures_total",
    help: "Reconciles that failed, by reconciler",
    labelNames: ["reconciler"],
    registers: [registry],
  });
  return {
    registry,
    answered: (operation, status, durationMs) => {
      requests.observe({ operation, status: String(status) }, durationMs / 1000);
    },
    reconciled: (reconciler, ok, durationMs) => {
      reconciles.observe({ reconciler }, durationMs / 1000);
      if (!ok) failures.inc({ reconciler });
    },
    gauge: (name, help, value) => {
      // In no registry but this server's: a process may have several servers.
      const gauge = new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(value());
        },
      });
      registry.registerMetric(gauge);
    },
  };
}

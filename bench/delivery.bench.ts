// `npm run bench -- delivery [--json] [--only lab|simulated] [--instances N]`: instances delivered and released, beside Kubernetes' own ways
// in the same run: 40 real ones on the lab, and thousands on simulated nodes.
import { measureOnLab } from "./delivery-lab.ts";
import { measureSimulated } from "./delivery-simulated.ts";
import { createFigurePrinter } from "./figure.ts";

const args = process.argv.slice(2);
const print = createFigurePrinter(args);
const option = (name: string): string | null => {
  const at = args.indexOf(name);
  return at < 0 ? null : (args[at + 1] ?? null);
};
const only = option("--only");
if (only !== "simulated") await measureOnLab(print);
if (only !== "lab") await measureSimulated(print, Number(option("--instances") ?? 5_000));

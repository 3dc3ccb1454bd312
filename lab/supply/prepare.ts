import { buildEtcd, buildKubernetes } from "./build-binaries.ts";
import { buildImages } from "./build-images.ts";
import { installPackages, missingPackages } from "./packages.ts";
import type { Progress } from "./progress.ts";

/** Where everything is that a lab is made of. */
export type Supplies = Readonly<{ kubernetes: string; etcd: string; images: string }>;

/**
 * Sees to all that the lab needs: Debian packages, programs built from source, images. What is there is left alone.
 * @throws LabError "missing" that says what can't be had and what to do.
 */
export async function prepare(progress: Progress): Promise<Supplies> {
  const packages = missingPackages();
  if (packages.length > 0) {
    const done = progress.step(`installing Debian packages: ${packages.join(" ")}`);
    await installPackages(packages);
    done();
  }
  const etcd = await buildEtcd(progress);
  const kubernetes = await buildKubernetes(progress);
  const images = await buildImages(progress);
  return { etcd, kubernetes, images };
}

/** The labels by which WCS finds again what it made for an instance. */
export function instanceLabels(instance: {
  instance: string;
  business: string;
  subsystem: string;
  dcn: string;
  environment: string;
}): Readonly<Record<string, string>> {
  return {
    "wcs.io/business": instance.business,
    "wcs.io/dcn": instance.dcn,
    "wcs.io/environment": instance.environment,
    "wcs.io/instance": instance.instance,
    "wcs.io/subsystem": instance.subsystem,
  };
}

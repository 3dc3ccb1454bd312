import type { KubeObject } from "./object.ts";

/** Which resource of the API is meant, and what its objects look like (`T` exists for the type checker only). */
export type ResourceType<T extends KubeObject = KubeObject> = Readonly<{
  /** Empty for the core group. */
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  _object?: T;
}>;

/** A resource by `group/version/plural` (`v1/pods` for the core group). */
export function resourceType(path: string, kind: string, scope: "namespaced" | "cluster"): ResourceType {
  const parts = path.split("/");
  const [group, version, plural] = parts.length === 2 ? ["", ...parts] : parts;
  if (group === undefined || version === undefined || plural === undefined) {
    throw new TypeError(`"${path}" is not group/version/plural`);
  }
  return { group, version, plural, kind, namespaced: scope === "namespaced" };
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(type: ResourceType): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

export type ObjectPath = Readonly<{
  namespace?: string | undefined;
  name?: string | undefined;
  subresource?: string | undefined;
}>;

/** What a name in a path may hold (apimachinery api/validation/path: not `.`, `..`, no `/` and `%`). */
function segment(value: string, what: string): string {
  if (value === "" || value === "." || value === ".." || /[/%?#\s]/.test(value)) {
    throw new TypeError(`${what} "${value}" can't stand in a path`);
  }
  return encodeURIComponent(value);
}

/** The path of a list or an object: `/apis/apps/v1/namespaces/a/statefulsets/b/scale`. */
export function resourcePath(type: ResourceType, { namespace, name, subresource }: ObjectPath): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  if (!type.namespaced && namespace !== undefined) throw new TypeError(`${type.plural} have no namespace`);
  if (type.namespaced && namespace === undefined && name !== undefined) {
    throw new TypeError(`${type.plural} "${name}" needs a namespace`);
  }
  return [
    root,
    ...(namespace === undefined ? [] : ["namespaces", segment(namespace, "namespace")]),
    type.plural,
    ...(name === undefined ? [] : [segment(name, "name")]),
    ...(subresource === undefined ? [] : [segment(subresource, "subresource")]),
  ].join("/");
}

/** `?a=b` without the undefined ones; empty when none is left. */
export function queryString(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

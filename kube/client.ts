import type { IncomingMessage } from "node:http";
import { KubeError } from "./errors.ts";
import type { KubeObject, Manifest } from "./object.ts";
import { apiVersionOf, queryString, resourcePath, type ObjectPath, type ResourceType } from "./resource.ts";
import { createSender, type CallOptions, type SendOptions, type SendStatistics } from "./send.ts";
import type { Transport } from "./transport.ts";

export type Selectors = Readonly<{ labelSelector?: string | undefined; fieldSelector?: string | undefined }>;

export type ListOptions = CallOptions &
  Selectors &
  Readonly<{
    namespace?: string | undefined;
    /** Objects a page. Default 500. */
    pageSize?: number | undefined;
  }>;

export type Page<T> = Readonly<{ items: readonly T[]; resourceVersion: string }>;

type Target = CallOptions &
  Readonly<{ namespace?: string | undefined; name: string; subresource?: string | undefined }>;
type WriteOptions = Readonly<{ dryRun?: boolean | undefined; fieldManager?: string | undefined }>;

export type PatchKind = "merge" | "json" | "strategic";

const patchTypes: Readonly<Record<PatchKind, string>> = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
};

export type DeleteOptions = Target &
  Readonly<{
    /** Only that very object, and only in that state. */
    preconditions?: Readonly<{ uid?: string; resourceVersion?: string }> | undefined;
    gracePeriodSeconds?: number | undefined;
    propagation?: "Foreground" | "Background" | "Orphan" | undefined;
    dryRun?: boolean | undefined;
  }>;

export type ApplyOptions = CallOptions &
  Readonly<{
    /** Who owns the applied fields from now on. */
    fieldManager: string;
    /** Take fields from their owners. Without it they come back as an error of reason `apply-conflict`. */
    force?: boolean | undefined;
    dryRun?: boolean | undefined;
    subresource?: string | undefined;
  }>;

/** A typed client of one cluster. Every method throws KubeError. */
export type KubeClient = Readonly<{
  server: string;
  get: <T extends KubeObject>(type: ResourceType<T>, target: Target) => Promise<T>;
  /** Like get, but null when there is none. */
  find: <T extends KubeObject>(type: ResourceType<T>, target: Target) => Promise<T | null>;
  /** One page after another, as one consistent snapshot. An old page token ends in an error of reason `expired`. */
  pages: <T extends KubeObject>(type: ResourceType<T>, options?: ListOptions) => AsyncGenerator<Page<T>>;
  list: <T extends KubeObject>(type: ResourceType<T>, options?: ListOptions) => Promise<Page<T>>;
  create: <T extends KubeObject>(
    type: ResourceType<T>,
    object: Readonly<Record<string, unknown>>,
    options?: CallOptions & WriteOptions & Readonly<{ namespace?: string; name?: string; subresource?: string }>,
  ) => Promise<T>;
  /** Replaces the object; with `metadata.resourceVersion` only when it is still in that state. */
  replace: <T extends KubeObject>(type: ResourceType<T>, object: T, options?: CallOptions & WriteOptions) => Promise<T>;
  patch: <T extends KubeObject>(
    type: ResourceType<T>,
    options: Target & WriteOptions & Readonly<{ kind: PatchKind; patch: unknown }>,
  ) => Promise<T>;
  /** Server-side apply: safe to repeat. */
  apply: <T extends KubeObject>(type: ResourceType<T>, object: Manifest, options: ApplyOptions) => Promise<T>;
  delete: (type: ResourceType, options: DeleteOptions) => Promise<void>;
  /** The text behind a path that is not an object (`/readyz?verbose`); with `accept` also answers of those statuses. */
  text: (path: string, options?: CallOptions) => Promise<Readonly<{ body: string; date: Date | null }>>;
  json: <T>(path: string, options?: CallOptions) => Promise<T>;
  stream: (path: string, options?: CallOptions) => Promise<IncomingMessage>;
  statistics: () => SendStatistics;
  secureOptions: Transport["secureOptions"];
  close: () => void;
}>;

type RawList<T> = { metadata?: { resourceVersion?: string; continue?: string }; items?: T[] | null };

/** Opens nothing yet: the first call does. */
export function createKubeClient(options: SendOptions): KubeClient {
  const sender = createSender(options);
  const { send } = sender;
  const writeQuery = ({ dryRun, fieldManager }: WriteOptions) => ({
    dryRun: dryRun === true ? "All" : undefined,
    fieldManager,
  });
  const pathOf = (type: ResourceType, at: ObjectPath) =>
    resourcePath(type, { namespace: at.namespace, name: at.name, subresource: at.subresource });

  async function get<T extends KubeObject>(type: ResourceType<T>, target: Target): Promise<T> {
    return send<T>({ method: "GET", path: pathOf(type, target), repeatable: true }, target);
  }

  async function* pages<T extends KubeObject>(type: ResourceType<T>, list: ListOptions = {}): AsyncGenerator<Page<T>> {
    let token: string | undefined;
    do {
      const query = queryString({
        limit: list.pageSize ?? 500,
        continue: token,
        labelSelector: list.labelSelector,
        fieldSelector: list.fieldSelector,
      });
      const path = resourcePath(type, { namespace: list.namespace }) + query;
      const page = await send<RawList<T>>({ method: "GET", path, repeatable: true }, list);
      yield { items: page.items ?? [], resourceVersion: page.metadata?.resourceVersion ?? "" };
      token = page.metadata?.continue === "" ? undefined : page.metadata?.continue;
    } while (token !== undefined);
  }

  return {
    server: sender.transport.server,
    get,
    find: async (type, target) => {
      try {
        return await get(type, target);
      } catch (error) {
        if (error instanceof KubeError && error.reason === "not-found") return null;
        throw error;
      }
    },
    pages,
    list: async <T extends KubeObject>(type: ResourceType<T>, list: ListOptions = {}) => {
      const items: T[] = [];
      let resourceVersion = "";
      for await (const page of pages(type, list)) {
        for (const item of page.items) items.push(item);
        resourceVersion = page.resourceVersion;
      }
      return { items, resourceVersion };
    },
    create: async (type, object, call = {}) =>
      send(
        {
          method: "POST",
          path: pathOf(type, call) + queryString(writeQuery(call)),
          body: { apiVersion: apiVersionOf(type), kind: type.kind, ...object },
          repeatable: false,
        },
        call,
      ),
    replace: async (type, object, call = {}) =>
      send(
        {
          method: "PUT",
          path:
            pathOf(type, { namespace: object.metadata.namespace, name: object.metadata.name }) +
            queryString(writeQuery(call)),
          body: { apiVersion: apiVersionOf(type), kind: type.kind, ...object },
          repeatable: false,
        },
        call,
      ),
    patch: async (type, target) =>
      send(
        {
          method: "PATCH",
          path: pathOf(type, target) + queryString(writeQuery(target)),
          body: target.patch,
          contentType: patchTypes[target.kind],
          repeatable: false,
        },
        target,
      ),
    apply: async (type, object, call) =>
      send(
        {
          method: "PATCH",
          path:
            resourcePath(type, {
              namespace: type.namespaced ? object.metadata.namespace : undefined,
              name: object.metadata.name,
              subresource: call.subresource,
            }) + queryString({ ...writeQuery(call), force: call.force === true ? true : undefined }),
          // JSON is YAML, and the server takes both under this type.
          body: object,
          contentType: "application/apply-patch+yaml",
          repeatable: true,
        },
        call,
      ),
    delete: async (type, target) => {
      await send(
        {
          method: "DELETE",
          path: pathOf(type, target),
          body: {
            apiVersion: "v1",
            kind: "DeleteOptions",
            preconditions: target.preconditions,
            gracePeriodSeconds: target.gracePeriodSeconds,
            propagationPolicy: target.propagation,
            ...(target.dryRun === true ? { dryRun: ["All"] } : {}),
          },
          repeatable: false,
        },
        target,
      );
    },
    text: async (path, call = {}) => {
      const answer = await sender.sendForAnswer({ method: "GET", path, repeatable: true }, call);
      const date = answer.headers.date === undefined ? null : new Date(answer.headers.date);
      return { body: answer.body, date };
    },
    json: async <T>(path: string, call: CallOptions = {}) => send<T>({ method: "GET", path, repeatable: true }, call),
    stream: async (path, call = {}) => sender.stream(path, call),
    statistics: sender.statistics,
    secureOptions: sender.transport.secureOptions,
    close: sender.close,
  };
}

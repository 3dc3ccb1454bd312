import type { Client } from "@wcs/api";
import type { ListView, Output } from "../output/output.ts";

/** One page of a list; `next` goes on, or is null. */
export type Page = Readonly<{ items: readonly Item[]; next: string | null }>;

/** A record as the API gives it. */
export type Item = Readonly<Record<string, unknown>>;

export type ListRequest = Readonly<{
  client: Client;
  cursor: string | undefined;
  filters: Readonly<Record<string, string>>;
}>;

/** How `get`, `describe` and `delete` reach a resource. What an operation is not there for is left out. */
export type ResourceView = Readonly<{
  view: ListView<Item>;
  list: (request: ListRequest) => Promise<Page>;
  get?: (client: Client, name: string) => Promise<Item>;
  /** Everything about one, for `describe`; absent: what `get` gives. */
  describe?: (client: Client, name: string) => Promise<Item>;
  /** What people are shown beside one record that they get by its name; not with `-o json` and the like, which give the record. */
  more?: (client: Client, output: Output, name: string) => Promise<void>;
  remove?: (client: Client, name: string, act: ResourceAct) => Promise<void>;
  /** Filters that `wcs get … -l NAME=VALUE` takes. */
  filters: readonly string[];
}>;

export type ResourceAct = Readonly<{ idempotencyKey: string; reason?: string; ticket?: string; dryRun: boolean }>;

import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import {
  commonEstate,
  joinEstate,
  rackEstates,
  type CommonEstate,
  type Estate,
  type RackEstate,
} from "@wcs/core/placement";
import type { Database, Query, Row } from "../database/database.ts";
import type { LivePicture } from "./live-picture.ts";

const hashBytes = 32;
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** A piece of a picture: its JSON until it is stored, and the hash of that. */
type Part = { readonly hash: Buffer; json: string | null };

/** A picture written down: the hashes of its pieces, and those pieces that may not be stored yet. */
export type WrittenPicture = Readonly<{ parts: Buffer; unsaved: readonly Part[] }>;

/** The pieces of this server's picture: one for each rack, and one for what is on none. */
export type PictureParts = Readonly<{
  /** Writes the picture down as it is now; only what has changed since the last time is looked at. */
  write: (picture: LivePicture) => WrittenPicture;
  /** Stores the pieces that are not stored yet. */
  save: (database: Database, picture: WrittenPicture) => Promise<void>;
}>;

export function createPictureParts(): PictureParts {
  let common: Part | null = null;
  const racks = new Map<string, Part>();
  return {
    write: (picture) => {
      const { changed, world } = picture;
      if (common === null || changed.isCommon) common = renewed(common, commonEstate(world));
      const ids = world.racks.names.ids;
      if (changed.isCommon) for (const id of racks.keys()) if (!world.racks.names.index.has(id)) racks.delete(id);
      const stale = new Set(ids.filter((id) => changed.racks.has(id) || !racks.has(id)));
      for (const [id, estate] of rackEstates(world, stale)) racks.set(id, renewed(racks.get(id), estate));
      picture.changed = { racks: new Set(), isCommon: false };
      const parts = [common, ...ids.toSorted().flatMap((id) => racks.get(id) ?? [])];
      return {
        parts: Buffer.concat(parts.map(({ hash }) => hash)),
        unsaved: parts.filter(({ json }) => json !== null),
      };
    },
    save: async (database, { unsaved }) => {
      const rows = await Promise.all(unsaved.map(async ({ hash, json }) => ({ hash, data: await packed(json ?? "") })));
      if (rows.length === 0) return;
      // In one order, so that two servers that store the same do not wait for each other crosswise.
      rows.sort((a, b) => Buffer.compare(a.hash, b.hash));
      await database.query(
        "INSERT INTO placement_parts (hash, data) SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT DO NOTHING",
        [rows.map(({ hash }) => hash), rows.map(({ data }) => data)],
      );
      for (const part of unsaved) part.json = null;
    },
  };
}

/** The estate that a written picture is of. Throws when a piece is missing or is not what its name says. */
export async function readEstate(query: Query, parts: Buffer): Promise<Estate> {
  const hashes = Array.from({ length: parts.length / hashBytes }, (_, at) =>
    parts.subarray(at * hashBytes, (at + 1) * hashBytes),
  );
  const rows = await query<Row & Readonly<{ hash: Buffer; data: Buffer }>>(
    "SELECT hash, data FROM placement_parts WHERE hash = ANY($1::bytea[])",
    [hashes],
  );
  const byHash = new Map(rows.map(({ hash, data }) => [hash.toString("hex"), data]));
  const read = await Promise.all(
    hashes.map(async (hash) => {
      const data = byHash.get(hash.toString("hex"));
      const json = data === undefined ? "" : (await decompress(data)).toString();
      if (!hashOf(json).equals(hash)) {
        throw new Error(`piece ${hash.toString("hex")} of a picture is missing or damaged`);
      }
      return JSON.parse(json) as unknown;
    }),
  );
  const [common, ...racks] = read as [CommonEstate, ...RackEstate[]];
  return joinEstate(common, racks);
}

/** The piece as it is now; the known one, which may be stored, when it says the same. */
function renewed(known: Part | null | undefined, value: CommonEstate | RackEstate): Part {
  const json = JSON.stringify(value);
  const hash = hashOf(json);
  return known?.hash.equals(hash) === true ? known : { hash, json };
}

function hashOf(json: string): Buffer {
  return createHash("sha256").update(json).digest();
}

async function packed(json: string): Promise<Buffer> {
  return compress(json, { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
}

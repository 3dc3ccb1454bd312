import assert from "node:assert/strict";
import { it } from "node:test";
import { formatTable, type Column } from "./table.ts";

type City = { name: string; title: string; size: number };
const columns: readonly Column<City>[] = [
  { header: { en: "NAME", zh: "名称" }, value: ({ name }) => name },
  { header: { en: "TITLE", zh: "标题" }, value: ({ title }) => title },
  { header: { en: "SIZE", zh: "大小" }, value: ({ size }) => size, wide: true },
];

it("a table aligns Chinese, hides wide columns, and shows control characters as question marks", () => {
  const items = [
    { name: "sz", title: "深圳", size: 1 },
    { name: "sh", title: "a\u001b[2Jb", size: 2 },
  ];
  assert.deepEqual(formatTable(items, columns, { language: "zh", wide: true }), [
    "名称  标题    大小",
    "sz    深圳    1",
    "sh    a?[2Jb  2",
  ]);
  assert.deepEqual(formatTable(items.slice(0, 1), columns, { language: "en", wide: false }), [
    "NAME  TITLE",
    "sz    深圳",
  ]);
});

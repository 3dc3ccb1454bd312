import { defineConfig, type OxlintConfig } from "oxlint";

import { allowedImports, coreForbidden, forbiddenSpecifiers } from "./tools/boundaries.ts";

type Override = NonNullable<OxlintConfig["overrides"]>[number];

/** `isPure`: nothing that has a clock or does I/O either. */
const boundary = (name: string, files: string, isPure: boolean): Override => ({
  files: [files],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            regex: forbiddenSpecifiers(name) ?? "^$",
            message: `${name} may import only: ${allowedImports[name]?.join(", ") || "nothing of ours"}, by package name (tools/boundaries.ts).`,
          },
          ...(isPure
            ? [{ regex: coreForbidden, message: "core is pure: no clock, no I/O (docs/architecture.md)." }]
            : []),
        ],
      },
    ],
  },
});

const boundaryOverrides = [
  ...Object.keys(allowedImports).map((name) =>
    boundary(name, `${name}/**/*.{ts,tsx,mts,cts,js,mjs,cjs}`, name === "core"),
  ),
  // What holds core's rules against real programs starts those.
  boundary("core", "core/**/*.integration.test.ts", false),
];

export default defineConfig({
  plugins: ["typescript", "import", "node", "promise", "unicorn", "oxc"],
  categories: { correctness: "error", suspicious: "error" },
  options: { typeAware: true, denyWarnings: true },
  env: { builtin: true, node: true },
  ignorePatterns: ["**/node_modules/**", "**/generated/**", "console/dist/**"],
  rules: {
    eqeqeq: "error",
    curly: ["error", "multi-line"],
    "no-var": "error",
    "prefer-const": "error",
    "no-console": "off",
    "no-await-in-loop": "off",
    "no-shadow": "off",
    "no-underscore-dangle": "off",
    "import/no-cycle": "error",
    "import/no-default-export": "error",
    "import/no-unassigned-import": "off",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/await-thenable": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "typescript/only-throw-error": "error",
    "typescript/no-unnecessary-type-assertion": "error",
    "typescript/consistent-type-imports": "error",
    "typescript/no-unsafe-type-assertion": "off",
    "promise/always-return": "off",
    "unicorn/no-array-sort": "off",
    "unicorn/no-array-reverse": "off",
    "unicorn/consistent-function-scoping": "off",
  },
  overrides: [
    ...boundaryOverrides,
    { files: ["**/*.test.ts"], rules: { "typescript/no-floating-promises": "off" } },
    { files: ["oxlint.config.ts", "knip.ts"], rules: { "import/no-default-export": "off" } },
  ],
});

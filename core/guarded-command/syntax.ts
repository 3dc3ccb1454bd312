/** A word as it was typed. Places are offsets into the line, in UTF-16 code units. */
export type Word = Readonly<{
  at: number;
  /** Exactly what was typed, quotes included. */
  raw: string;
  /** What the program gets, when it is known before the line runs; null when a variable or a file name pattern is in it. */
  value: string | null;
  /** The known beginning of what the program gets. */
  prefix: string;
  /** Whether the shell may make several arguments of it, the second with any beginning: an unquoted variable. */
  splits: boolean;
  variables: readonly string[];
}>;

export type Assignment = Readonly<{ at: number; name: string; value: Word }>;

/** `2>&1` has the target `1`; `<`, `>` and `>>` have a file. */
export type Redirection = Readonly<{ at: number; descriptor: number; operator: "<" | ">" | ">>" | ">&"; target: Word }>;

/** A program with its arguments. Without words it only assigns or redirects. */
export type SimpleCommand = Readonly<{
  type: "simple";
  at: number;
  assignments: readonly Assignment[];
  words: readonly Word[];
  redirections: readonly Redirection[];
}>;

export type Loop =
  | Readonly<{ type: "for"; at: number; variable: string; items: readonly Word[]; body: CommandList }>
  | Readonly<{ type: "while" | "until"; at: number; condition: CommandList; body: CommandList }>;

export type Branch = Readonly<{
  type: "if";
  at: number;
  arms: readonly Readonly<{ condition: CommandList; body: CommandList }>[];
  otherwise: CommandList | null;
}>;

export type Command = SimpleCommand | Loop | Branch;

export type Pipeline = Readonly<{ negated: boolean; commands: readonly Command[] }>;

/** Pipelines in order, whatever joins them (`;`, `&&`, `||`, a new line): each of them may run. */
export type CommandList = readonly Pipeline[];

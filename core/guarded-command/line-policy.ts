/**
 * What a role may type. The rules that match a program decide: one `deny` forbids it, else one `ask` wants a colleague's yes, else one `allow`
 * lets it run; a program that no rule matches is refused.
 */
export type LinePolicy = Readonly<{
  rules: readonly LineRule[];
  /** Whether `for`, `while` and `until` may be used. */
  loops: boolean;
  /** Folders whose files may be written by `>` and `>>`, such as `/tmp/`. `/dev/null` always may. */
  writableFolders: readonly string[];
}>;

export type LineRule = Readonly<{
  /** Said to the person whose line it refuses. */
  name: string;
  effect: "allow" | "ask" | "deny";
  /** Names (found by the session's PATH) or whole paths; `*` is every program. */
  programs: readonly string[];
  /**
   * Patterns of arguments; `*` stands for any characters. An `allow` matches when every argument that is no option matches one; `ask` and `deny`
   * match when any argument, options too, may be one: `--del` is `--delete`, `-xf` has `-f`, and what is not known before the line runs may
   * be anything.
   */
  arguments?: readonly string[];
  /** For `allow`: the options that may be given, as `-n` or `--lines`; without it, all. */
  options?: readonly string[];
  /** For `allow`: whether arguments may be known only when the line runs (`$file`); a pattern with a known beginning (`./*.log`) always may. */
  unknownArguments?: boolean;
  /** It wants a terminal of its own, such as top and less. */
  terminal?: boolean;
  /** What to do instead, for `deny` and `ask`. */
  instead?: Readonly<{ en: string; zh: string }>;
}>;

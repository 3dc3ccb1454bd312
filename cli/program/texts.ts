/** A text for people in both languages. */
export type Text = Readonly<{ en: string; zh: string }>;

export type Language = keyof Text;

/** The language that the environment asks for, as the C library finds it: LC_ALL, LC_MESSAGES, LANG. */
export function languageOf(env: Readonly<Record<string, string | undefined>>): Language {
  const locale = env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"] || "";
  return /^zh/i.test(locale) ? "zh" : "en";
}

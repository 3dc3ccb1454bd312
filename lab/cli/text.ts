/** True when the person reads Chinese (LC_ALL, LC_MESSAGES, LANG, in that order, as setlocale(3) has it). */
export function speaksChinese(env: NodeJS.ProcessEnv = process.env): boolean {
  const locale = env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"] || "";
  return locale.startsWith("zh");
}

/** The words in the person's language. */
export const text = (english: string, chinese: string) => (speaksChinese() ? chinese : english);

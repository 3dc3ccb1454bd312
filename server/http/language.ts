/** `zh` when the caller prefers Chinese over English (RFC 9110, 12.5.4), else `en`. */
export function languageOf(acceptLanguage: string | undefined): "en" | "zh" {
  let best: { language: "en" | "zh"; quality: number } = { language: "en", quality: 0 };
  for (const part of (acceptLanguage ?? "").slice(0, 500).split(",")) {
    const [tag = "", ...options] = part.trim().toLowerCase().split(";");
    const language = tag.startsWith("zh") ? "zh" : tag.startsWith("en") ? "en" : null;
    const quality = Number(/^\s*q=([0-9.]+)$/.exec(options[0] ?? "")?.[1] ?? 1);
    if (language !== null && quality > best.quality) best = { language, quality };
  }
  return best.language;
}

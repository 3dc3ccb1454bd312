/** The plural noun under which a kind's records stand in the API and in role rules: `DCNGroup` is `dcngroups`. */
export function resourceOfKind(kind: string): string {
  const noun = kind.toLowerCase();
  switch (noun) {
    case "person":
      return "people";
    case "dcngroup":
      return "dcn-groups";
    case "serviceaccount":
      return "service-accounts";
    case "rolebinding":
      return "role-bindings";
    default:
      if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
      return /(?:s|x|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`;
  }
}

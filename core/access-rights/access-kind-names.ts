/** The kinds of people and rights that stand beside the estate, in the order in which they refer to each other. */
export const accessKindNames = ["Role", "Group", "ServiceAccount", "RoleBinding"] as const;

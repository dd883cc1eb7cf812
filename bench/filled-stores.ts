/** The stores that are filled with a million sessions, and their names in the tables. */
export const filledStores = {
  memory: "memory",
  sqlite: "SQLite",
  redis: "Redis",
  postgres: "PostgreSQL",
} as const;

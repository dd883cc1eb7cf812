/** The stores that are filled with a million sessions, and what the tables call them. */
export const filledStores = {
  memory: "memory",
  sqlite: "SQLite",
  redis: "Redis",
  postgres: "PostgreSQL",
} as const;

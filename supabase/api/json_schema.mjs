// PostgreSQL's types as JSON Schema (2020-12, which is OpenAPI 3.1's): of the JSON that the API gives, see json_types.mjs.

// The numbers are OIDs, which are the same everywhere for types that PostgreSQL brings.
const PLAIN = new Map([
  [16, { type: "boolean" }],
  [20, { type: "integer", format: "int64" }],
  [21, { type: "integer", format: "int32" }],
  [23, { type: "integer", format: "int32" }],
  [700, { type: "number", format: "float" }],
  [701, { type: "number", format: "double" }],
  [1700, { type: "number" }],
  [1082, { type: "string", format: "date" }],
  [1184, { type: "string", format: "date-time" }],
  [2950, { type: "string", format: "uuid" }],
  [114, {}], // json and jsonb: anything
  [3802, {}],
]);

/** What a value of the type looks like; every type that is not known here is written as text. */
export function schemaOfType(oid, types) {
  const made = types.get(oid);
  if (made?.base) return schemaOfType(made.base, types);
  if (made?.element) return { type: "array", items: orNull(schemaOfType(made.element, types)) };
  if (made?.labels) return { type: "string", enum: made.labels };
  return PLAIN.get(oid) ?? { type: "string" };
}

/** The same, or null: PostgreSQL does not say of a view's or a function's column that it has no nulls. */
export function orNull(schema) {
  if (schema.type === undefined) return schema;
  const nullable = { ...schema, type: [schema.type, "null"] };
  return schema.enum ? { ...nullable, enum: [...schema.enum, null] } : nullable;
}

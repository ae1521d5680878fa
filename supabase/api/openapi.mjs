// The OpenAPI 3.1 description of what a role may read, made from the catalogue and from nothing else: a view that dbt
// builds is in it. What is the same for every operation is in openapi_components.mjs.

import { createHash } from "node:crypto";

import { components, GRAMMAR } from "./openapi_components.mjs";
import { orNull, schemaOfType } from "./json_schema.mjs";
import { PREFIX } from "./request_scope.mjs";

const FORMATS = { rows: "application/json", row: "application/vnd.pgrst.object+json", csv: "text/csv" };
const INTRODUCTION = "Live market data for resale tickets, by PostgREST's interface. It only reads.";

/** The document for `role`, an object; `catalogue` is as readCatalogue gives it. */
export function describeApi(catalogue, role) {
  const relations = catalogue.relations.filter(({ roles }) => roles.includes(role));
  const functions = catalogue.functions.filter(({ roles }) => roles.includes(role)).map(withParsedComment);
  const rowTypes = new Map(catalogue.relations.map((relation) => [relation.row_type, relation]));
  const embeds = catalogue.embeds.filter(({ roles }) => roles.includes(role));
  const context = { ...catalogue, rowTypes, embeds };
  return {
    openapi: "3.1.0",
    info: {
      title: "ticketmarts Data API",
      version: versionOf(catalogue),
      description: `${INTRODUCTION} ${forWhom(role, catalogue.roles)}\n${GRAMMAR}`,
    },
    servers: [{ url: PREFIX }],
    security: [{ apikey: [] }, { apikey: [], bearer: [] }],
    tags: [{ name: "views" }, { name: "functions" }],
    paths: Object.fromEntries([
      ...relations.map((relation) => [`/${relation.name}`, { get: readOperation(relation, context) }]),
      ...functions.map((called) => [`/rpc/${called.name}`, callOperations(called, context)]),
    ]),
    components: {
      ...components,
      schemas: {
        ...Object.fromEntries(relations.map((relation) => [`view.${relation.name}`, rowSchema(relation, context)])),
        ...Object.fromEntries(functions.map((called) => [`function.${called.name}`, resultSchema(called, context)])),
        ...components.schemas,
      },
    },
  };
}

function forWhom(role, roles) {
  const others = roles.filter((each) => each !== role).map((each) => `\`${each}\``);
  return `Here is what the role \`${role}\` may read; ${others.join(" and ")} get another document, by key and token.`;
}

/** Another one whenever what is served is another, for whichever role. */
function versionOf({ relations, embeds, functions }) {
  const content = JSON.stringify({ relations, embeds, functions });
  return createHash("sha256").update(content).digest("hex").slice(0, 12);
}

function readOperation(relation, context) {
  const embeds = context.embeds.filter(({ row_type }) => row_type === relation.row_type);
  return {
    tags: ["views"],
    operationId: `read_${relation.name}`,
    ...words(relation.comment, relation.roles),
    ...(embeds.length > 0 && { "x-embeds": embeddedSchemas(embeds, context) }),
    parameters: [
      selectWith(embeds),
      ...shared("order", "limit", "offset"),
      ...filters(relation.columns),
      ...shared("or", "and", "prefer_count", "range"),
    ],
    responses: {
      ...rowsAnswers(`view.${relation.name}`, { mayBeKept: true }),
      ...failures("bad_request", "unauthorized", ...refusedTo(relation.roles, context)),
      ...failures("not_acceptable", "range_not_satisfiable", "timed_out"),
    },
  };
}

function callOperations(called, context) {
  const { name, comment, roles, description } = called;
  const isRows = called.returns_set;
  const answers = (options) => (isRows ? rowsAnswers(`function.${name}`, options) : valueAnswer(`function.${name}`));
  const operation = (id) => ({ tags: ["functions"], operationId: id, ...words(description ?? comment, roles) });
  const isArgument = new Set(called.arguments.map((argument) => argument.name));
  // In a query an argument's name is the argument, also where a column of the rows has the same one.
  const choosing = (isFilter) =>
    isRows
      ? [
          ...shared("select", "order", "limit", "offset"),
          ...filters(columnsOfRows(called, context).filter(isFilter)),
          ...shared("or", "and", "prefer_count", "range"),
        ]
      : [];
  const wrong = {
    ...failures("bad_request", "unauthorized", ...refusedTo(roles, context), "not_found"),
    ...failures("not_acceptable", "range_not_satisfiable", "timed_out"),
  };
  const post = {
    ...operation(`call_${name}_by_post`),
    parameters: choosing(() => true),
    requestBody: {
      required: called.arguments.some(isRequired),
      content: {
        "application/json": { schema: argumentsSchema(called, context), example: exampleOfArguments(called, context) },
      },
    },
    responses: { ...answers({ mayBeKept: false }), ...wrong },
  };
  if (called.is_volatile) return { post };
  const get = {
    ...operation(`call_${name}`),
    parameters: [
      ...called.arguments.map((argument) => argumentInQuery(argument, context)),
      ...choosing(({ name: column }) => !isArgument.has(column)),
    ],
    responses: { ...answers({ mayBeKept: true }), ...wrong },
  };
  return { get, post };
}

function words(comment, roles) {
  const description = `${comment ?? ""}\n\nRoles: ${roles.map((role) => `\`${role}\``).join(", ")}.`.trim();
  const [summary] = (comment ?? "").split(/(?<=[.:;])\s/);
  return { summary: summary.replace(/[.:;]$/, ""), description, "x-roles": roles };
}

function shared(...names) {
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

function selectWith(embeds) {
  if (embeds.length === 0) return { $ref: "#/components/parameters/select" };
  const { select } = components.parameters;
  const told = embeds.map(({ name, comment }) => `\n- \`${name}(…)\`: ${comment ?? ""}`);
  return { ...select, description: `${select.description} Beside them, with columns in the brackets:\n${told.join("")}` };
}

/** What a row has where `select` names it: OpenAPI cannot say that an answer depends on a parameter. */
function embeddedSchemas(embeds, context) {
  return Object.fromEntries(
    embeds.map(({ name, embedded_type, is_one }) => {
      const row = { $ref: `#/components/schemas/view.${context.rowTypes.get(embedded_type).name}` };
      return [name, is_one ? { anyOf: [row, { type: "null" }] } : { type: "array", items: row }];
    }),
  );
}

/** A column can have several filters: `hour=gte.…&hour=lt.…`. */
function filters(columns) {
  return columns.map(({ name, comment, written }) => ({
    name,
    in: "query",
    description: `${comment ?? ""} (${written})`.trim(),
    schema: { type: "array", items: { $ref: "#/components/schemas/filter" } },
    style: "form",
    explode: true,
  }));
}

function isRequired(argument) {
  return !argument.has_default;
}

function argumentInQuery(argument, context) {
  const { type } = argument;
  const schema = context.types.get(type)?.element
    ? { type: "string", pattern: "^\\{.*\\}$", description: "Values in braces: `{1,2}`." }
    : schemaOfType(type, context.types);
  const { description, ...constant } = defaultOf(argument);
  return {
    name: argument.name,
    in: "query",
    required: isRequired(argument),
    description: [argument.comment, description, `(${argument.written})`].filter(Boolean).join(" "),
    schema: { ...schema, ...constant },
  };
}

function argumentsSchema(called, context) {
  const properties = called.arguments.map((argument) => {
    const plain = schemaOfType(argument.type, context.types);
    const { description, ...constant } = defaultOf(argument);
    const schema = isNull(argument.default) ? orNull(plain) : plain;
    const comment = [argument.comment, description].filter(Boolean).join(" ");
    const described = { ...(comment && { description: comment }), "x-postgres-type": argument.written };
    return [argument.name, { ...schema, ...constant, ...described }];
  });
  const required = called.arguments.filter(isRequired).map(({ name }) => name);
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

/** A body to fill in: what must be given, and what would be taken unless said. */
function exampleOfArguments(called, context) {
  const given = called.arguments.flatMap((argument) => {
    const constant = defaultOf(argument).default;
    if (constant !== undefined) return [[argument.name, constant]];
    return isRequired(argument) ? [[argument.name, emptyValue(schemaOfType(argument.type, context.types))]] : [];
  });
  return Object.fromEntries(given);
}

function emptyValue({ type, format }) {
  if (format === "date-time") return "2026-01-01T00:00:00Z";
  return { array: [], boolean: false, integer: 0, number: 0 }[type] ?? "";
}

function isNull(expression) {
  return /^NULL\b/i.test(expression ?? "");
}

/** What holds where the argument is left out: a constant as JSON Schema's default, anything else in words. */
function defaultOf({ default: expression }) {
  if (expression === null || isNull(expression)) return {};
  const text = /^'((?:[^']|'')*)'::(?:text|character varying|name)$/.exec(expression);
  if (text) return { default: text[1].replaceAll("''", "'") };
  const number = /^'?\(?(-?\d+(?:\.\d+)?)\)?'?(?:::[\w ]+)?$/.exec(expression);
  if (number) return { default: Number(number[1]) };
  if (expression === "true" || expression === "false") return { default: expression === "true" };
  return { description: `Unless said: \`${expression}\`.` };
}

function rowSchema({ columns, comment }, { types }) {
  const properties = columns.map((column) => [
    column.name,
    {
      ...orNull(schemaOfType(column.type, types)),
      ...(column.comment && { description: column.comment }),
      "x-postgres-type": column.written,
    },
  ]);
  return { type: "object", ...(comment && { description: comment }), properties: Object.fromEntries(properties) };
}

function resultSchema(called, context) {
  const columns = columnsOfRows(called, context);
  if (columns.length === 0) return orNull(schemaOfType(called.return_type, context.types));
  return rowSchema({ columns, comment: context.rowTypes.get(called.return_type)?.comment }, context);
}

/** The columns of what a function returns: its own, or those of the relation whose rows it returns; none of a value. */
function columnsOfRows(called, { rowTypes }) {
  return called.columns.length > 0 ? called.columns : (rowTypes.get(called.return_type)?.columns ?? []);
}

function rowsAnswers(schema, { mayBeKept }) {
  const row = { $ref: `#/components/schemas/${schema}` };
  const kept = mayBeKept ? ["cache_control", "etag"] : [];
  const headers = Object.fromEntries(
    ["content_range", ...kept].map((name) => [httpName(name), { $ref: `#/components/headers/${name}` }]),
  );
  const content = {
    [FORMATS.rows]: { schema: { type: "array", items: row } },
    [FORMATS.csv]: { schema: { type: "string" } },
    [FORMATS.row]: { schema: row },
  };
  return {
    200: { description: "The rows.", headers, content },
    206: { description: "The rows; a count was asked for, and there are more.", headers, content },
    ...(mayBeKept && { 304: { $ref: "#/components/responses/not_modified" } }),
  };
}

function httpName(name) {
  return { content_range: "Content-Range", cache_control: "Cache-Control", etag: "ETag" }[name];
}

function valueAnswer(schema) {
  const value = { $ref: `#/components/schemas/${schema}` };
  return { 200: { description: "The value.", content: { [FORMATS.rows]: { schema: value } } } };
}

const STATUS_OF_FAILURE = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  not_acceptable: 406,
  range_not_satisfiable: 416,
  timed_out: 500,
};

function failures(...names) {
  return Object.fromEntries(names.map((name) => [STATUS_OF_FAILURE[name], { $ref: `#/components/responses/${name}` }]));
}

function refusedTo(roles, context) {
  return roles.length < context.roles.length ? ["forbidden"] : [];
}

/**
 * PostgreSQL has one comment for a function and none for its arguments, so dbt writes these below it (the macro
 * function_documentation): "Arguments:" and "Columns:", a line `- name (type): words` each.
 */
function withParsedComment(called) {
  const [description, ...parts] = (called.comment ?? "").split(/\n+(?=(?:Arguments|Columns):\n)/);
  const told = new Map();
  for (const part of parts) {
    const kind = part.slice(0, part.indexOf(":"));
    for (const [, name, comment] of part.matchAll(/^- (\w+) \(.*?\): (.*)$/gm)) told.set(`${kind} ${name}`, comment);
  }
  const tell = (kind) => (each) => ({ ...each, comment: told.get(`${kind} ${each.name}`) });
  return {
    ...called,
    description: description.trim() || null,
    arguments: called.arguments.map(tell("Arguments")),
    columns: called.columns.map(tell("Columns")),
  };
}

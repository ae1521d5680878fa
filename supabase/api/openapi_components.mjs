// What every operation of the API's description shares: how to ask, what comes back beside rows, what goes wrong.

const OPERATORS =
  "eq|neq|gt|gte|lt|lte|like|ilike|match|imatch|in|is|isdistinct|fts|plfts|phfts|wfts|cs|cd|ov|sl|sr|nxr|nxl|adj";

export const GRAMMAR = `
## Asking

| to | write |
| --- | --- |
| choose columns | \`select=event_id,name:event_name\` |
| filter | \`column=operator.value\`; several filters all hold |
| filter otherwise | \`or=(get_in.lt.50,listings.gte.100)\`, \`and=(…)\`, \`column=not.operator.value\` |
| order | \`order=get_in.desc.nullslast,event_id\` |
| page | \`limit\` and \`offset\`, or the header \`Range: 0-99\`; quicker by key: \`order=event_id&event_id=gt.4711\` |
| count | \`Prefer: count=exact\`; the number is in \`Content-Range\` |
| get CSV, or one object | \`Accept: text/csv\`, \`Accept: application/vnd.pgrst.object+json\` |

Operators: \`eq\`, \`neq\`, \`gt\`, \`gte\`, \`lt\`, \`lte\`; \`like\` and \`ilike\` (\`*\` stands for any letters); \`in.(1,2,3)\`;
\`is.null\`, \`is.true\`, \`is.false\`; any of them after \`not.\`. A value with a comma or a bracket inside a list is put in double
quotes. No answer has more than 1,000 rows.

A function takes its arguments in the query (GET) or as a JSON object (POST). Its rows can be chosen, filtered and
ordered as those of a view.
`;

function query(name, description, schema, rest = {}) {
  return { name, in: "query", description, schema, ...rest };
}

function header(name, description, schema) {
  return { name, in: "header", description, schema };
}

const parameters = {
  select: query("select", "Columns, with commas between them; `name:column` renames one. All unless said.", { type: "string" }),
  order: query("order", "Columns to order by, each with `.asc` or `.desc` and `.nullsfirst` or `.nullslast` where wanted.", {
    type: "string",
  }),
  limit: query("limit", "At most so many rows; never more than 1,000.", { type: "integer", minimum: 0 }, { example: 10 }),
  offset: query("offset", "So many rows are passed over.", { type: "integer", minimum: 0 }),
  and: query("and", "Conditions that must all hold: `(column.operator.value,…)`.", { $ref: "#/components/schemas/conditions" }),
  or: query("or", "Conditions of which one must hold: `(column.operator.value,…)`.", { $ref: "#/components/schemas/conditions" }),
  prefer_count: header("Prefer", "`count=exact` counts all rows; `planned` and `estimated` are quicker and less true.", {
    type: "string",
    enum: ["count=exact", "count=planned", "count=estimated"],
  }),
  range: header("Range", "The first and the last row wanted, from 0, in place of `offset` and `limit`.", {
    type: "string",
    pattern: "^\\d+-\\d*$",
  }),
};

const headers = {
  content_range: {
    description: "Which rows these are, and of how many where the request asks for a count: `0-24/3573458`, `0-24/*`, `*/0`.",
    schema: { type: "string" },
  },
  cache_control: { description: "For how long the answer may be kept, and by whom.", schema: { type: "string" } },
  etag: { description: "Send it as `If-None-Match`: the same answer comes back as 304.", schema: { type: "string" } },
};

const schemas = {
  filter: {
    type: "string",
    title: "filter",
    pattern: `^(not\\.)?(${OPERATORS})(\\((any|all|\\w+)\\))?\\.`,
  },
  conditions: { type: "string", pattern: "^\\(.+\\)$" },
  error: {
    type: "object",
    description: "What went wrong, and in `hint` how to ask instead.",
    required: ["message"],
    properties: {
      code: { type: "string", description: "SQLSTATE, or a code of PostgREST's that begins with PGRST." },
      message: { type: "string" },
      details: { type: ["string", "null"] },
      hint: { type: ["string", "null"] },
    },
  },
};

function failure(description) {
  return { description, content: { "application/json": { schema: { $ref: "#/components/schemas/error" } } } };
}

const responses = {
  not_modified: { description: "What `If-None-Match` names is still the answer." },
  bad_request: failure(
    "A value is not of its type (22…), a column (42703) or an operator (PGRST100) does not exist, the body is no JSON object" +
      " (PGRST102), or an argument's value is not one that is answered (PT400).",
  ),
  unauthorized: failure(
    "No key, or a token that is expired, damaged or not ours (PGRST301, PGRST302, PGRST303); `anon` may not read this (42501).",
  ),
  forbidden: failure("The role may not read this (42501)."),
  not_found: failure("There is no such event (PT404), or an argument that must be given is missing (PGRST202)."),
  not_acceptable: failure("One object was asked for, and there is not exactly one row (PGRST116); no such format (PGRST107)."),
  range_not_satisfiable: failure("The rows asked for are behind the last one (PGRST103)."),
  timed_out: failure("Longer than the role's time-out (57014): ask for less."),
};

const securitySchemes = {
  apikey: {
    type: "apiKey",
    in: "header",
    name: "apikey",
    description: "The anonymous key; on a server of your own, the service key.",
  },
  bearer: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "A user's token, beside the anonymous key: reads listings, too.",
  },
};

export const components = { parameters, headers, schemas, responses, securitySchemes };

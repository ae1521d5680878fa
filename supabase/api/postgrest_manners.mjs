// Where @supabase/lite understands a request otherwise than PostgREST does, it is asked in words that both understand
// alike, or the request is refused as PostgREST would. What belongs here: requests, and counts. What does not: answers
// (json_types.mjs has their values); what cannot be mended is in docs/API_DOCUMENTATION.md, "On the local API".

const METHODS = new Set(["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]);
const NOT_A_COLUMN = new Set(["select", "columns", "on_conflict", "limit", "offset", "order", "apikey"]);

const SERVED = /^(?:\*\/\*|application\/json|text\/csv|application\/vnd\.pgrst\.(?:object|array)(?:\+json)?)\s*(?:;|$)/;

const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;
const LOGIC = /^(?:.*\.)?(?:and|or)$/;
const COMPARISON = /^((?:not\.)?(?:eq|neq|gte?|lte?)\.)(.*)$/s;
const IN_LIST = /^((?:not\.)?in\.\()(.*)(\))$/s;
// PostgREST takes a function's parameter for a filter where its value begins with one of these, and nothing else.
const OPERATOR = new RegExp(
  "^(?:not\\.)?(?:" +
    "(?:eq|gte?|lte?|like|ilike|match|imatch)(?:\\((?:any|all)\\))?|(?:pl|ph|w)?fts(?:\\([^)]*\\))?|" +
    "neq|in|is|isdistinct|cs|cd|ov|sl|sr|nxr|nxl|adj" +
    ")\\.",
);
const LIKE_ANY = /^(?:not\.)?i?like\((?:any|all)\)\./;
const IN_LOGIC = new RegExp(
  String.raw`${QUOTED}|(\.(?:eq|neq|gte?|lte?)\.)(?!["{])([^,)]*)|(\.in\.\()((?:${QUOTED}|[^)"])*)(\))|\.i?like\((?:any|all)\)\.\{[^}]*\}`,
  "gs",
);
const ELEMENT = new RegExp(String.raw`${QUOTED}|[^,]+`, "gs");
const EMBEDDING = /(?<![.\w])(?!count\()(\w+)(?:!\w+)*\(/;

/** The answer of `fetch`, which is @supabase/lite, to what PostgREST would have been asked. `path` is below /rest/v1. */
export async function answerAsPostgrest(request, path, maxRows, fetch) {
  const refusal = refused(request, path);
  if (refusal !== null) return refusal;
  // By HEAD it reads no arguments of a function.
  if (request.method === "HEAD" && path.startsWith("/rpc/")) {
    const answer = await answerAsPostgrest(new Request(request, { method: "GET" }), path, maxRows, fetch);
    return new Response(null, answer);
  }
  // By GET it takes `or` and `and` for arguments of a function.
  if (request.method === "GET" && path.startsWith("/rpc/") && hasLogic(request)) {
    return answerAsPostgrest(postedCall(request), path, maxRows, fetch);
  }
  const asked = reworded(request, path);
  // Rows of a function it counts one by one, always.
  const isEstimated = /\bcount=estimated\b/.test(asked.headers.get("prefer") ?? "") && !path.startsWith("/rpc/");
  return isEstimated && ["GET", "HEAD"].includes(asked.method) ? answerEstimated(asked, maxRows, fetch) : fetch(asked);
}

function refused(request, path) {
  const { method } = request;
  if (!METHODS.has(method)) return error(405, "PGRST117", `Unsupported HTTP method: ${method}`);
  const types = mediaTypes(request);
  if (types.length > 0 && !types.some((type) => SERVED.test(type))) {
    return error(406, "PGRST107", `None of these media types are available: ${types.join(", ")}`);
  }
  // No function returns rows of a view. @supabase/lite would embed every row there is.
  const select = new URL(request.url).searchParams.get("select") ?? "";
  const [, embedded] = (path.startsWith("/rpc/") && EMBEDDING.exec(select)) || [];
  if (embedded !== undefined) {
    const name = path.slice("/rpc/".length);
    return error(400, "PGRST200", `Could not find a relationship between '${name}' and '${embedded}' in the schema cache`);
  }
  return null;
}

function hasLogic(request) {
  return [...new URL(request.url).searchParams.keys()].some((name) => LOGIC.test(name));
}

/** The same call by POST: what is neither reserved nor a filter is an argument. */
function postedCall(request) {
  const url = new URL(request.url);
  const isArgument = ([name, value]) => !NOT_A_COLUMN.has(name) && !LOGIC.test(name) && !OPERATOR.test(value);
  const given = [...url.searchParams].filter(isArgument);
  for (const [name] of given) url.searchParams.delete(name);
  const headers = new Headers(request.headers);
  headers.set("content-type", "application/json");
  return new Request(url, { method: "POST", headers, body: JSON.stringify(Object.fromEntries(given)) });
}

function error(status, code, message) {
  const headers = { "content-type": "application/json; charset=utf-8" };
  return Response.json({ code, details: null, hint: null, message }, { status, headers });
}

function reworded(request, path) {
  const url = new URL(request.url);
  const isCall = path.startsWith("/rpc/");
  const parameters = [...url.searchParams].map(([name, value]) => {
    if (NOT_A_COLUMN.has(name)) return [name, value];
    return [name, LOGIC.test(name) ? literalLogic(value) : literalFilter(value, isCall)];
  });
  url.search = new URLSearchParams(parameters).toString();
  const headers = new Headers(request.headers);
  // It looks for CSV anywhere in Accept, whatever is preferred.
  const [type] = mediaTypes(request).filter((each) => SERVED.test(each));
  if (type !== undefined) headers.set("accept", type);
  const hasBody = request.body !== null;
  return new Request(url, { method: request.method, headers, body: request.body, ...(hasBody && { duplex: "half" }) });
}

/** Unquoted, it takes `1.10` for the number 1.1, and `true` and `null` for what they are in JSON, in texts as well. */
function literalFilter(value, isCall) {
  const [, comparison, operand] = COMPARISON.exec(value) ?? [];
  if (comparison !== undefined) return `${comparison}"${operand}"`;
  const [, opening, list, closing] = IN_LIST.exec(value) ?? [];
  if (opening !== undefined) return opening + literalList(list) + closing;
  if (LIKE_ANY.test(value)) return value.replaceAll("*", "%");
  return isCall && !OPERATOR.test(value) ? `"${value}"` : value;
}

function literalLogic(value) {
  return value.replace(IN_LOGIC, (match, comparison, operand, opening, list, closing) => {
    if (comparison !== undefined) return `${comparison}"${operand}"`;
    if (opening !== undefined) return opening + literalList(list) + closing;
    return match.startsWith('"') ? match : match.replaceAll("*", "%");
  });
}

function literalList(list) {
  return list.replace(ELEMENT, (element) => (element.startsWith('"') ? element : `"${element.replace(/["\\]/g, "\\$&")}"`));
}

/** What the request accepts, best first. */
function mediaTypes(request) {
  const quality = (type) => Number(/;\s*q=([\d.]+)/.exec(type)?.[1] ?? 1);
  const types = (request.headers.get("accept") ?? "").split(",").map((type) => type.trim());
  return types.filter((type) => type !== "").sort((one, other) => quality(other) - quality(one));
}

/** PostgREST counts exactly up to its row limit, and beyond it goes by the planner; @supabase/lite always does. */
async function answerEstimated(request, maxRows, fetch) {
  const beyond = new URL(request.url);
  beyond.searchParams.set("limit", "1");
  beyond.searchParams.set("offset", String(maxRows));
  const probe = await fetch(counting(request, "none", { url: beyond, method: "HEAD" }));
  const count = probe.ok && !probe.headers.get("content-range").startsWith("*") ? "planned" : "exact";
  const response = await fetch(counting(request, count));
  const headers = new Headers(response.headers);
  headers.set("preference-applied", headers.get("preference-applied")?.replace(`count=${count}`, "count=estimated") ?? "");
  return new Response(response.body, { status: response.status, headers });
}

function counting(request, count, { url = request.url, method = request.method } = {}) {
  const headers = new Headers(request.headers);
  headers.set("prefer", headers.get("prefer").replace("count=estimated", `count=${count}`));
  if (count === "none") headers.delete("range"); // it would take the place of limit and offset
  return new Request(url, { method, headers });
}

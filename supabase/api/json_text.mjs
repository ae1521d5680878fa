// Rows as the JSON that PostgreSQL itself writes, as PostgREST has them: one text from the database to the client. What
// belongs here: which answers that holds for, and how @supabase/lite is kept from reading them. Other answers (CSV, one
// object, embedded rows) it makes of rows, whose values json_types.mjs reads.
//
// A page of 1,000 rows by 70 columns took 80 ms of this process's time when every value was parsed, copied and written.

import { AliasNode, IdentifierNode, RawNode, SelectionNode, SelectQueryNode } from "kysely";

const PLAIN_JSON = /^(?:\*\/\*|application\/json)\s*(?:;\s*(?:q=[\d.]+|charset=utf-8)\s*)*$/i;
// Names and their aliases, or everything: nothing embedded, cast, or taken out of JSON.
const PLAIN_SELECT = /^(?:\*|(?:\w+:)?\w+)(?:,(?:\w+:)?\w+)*$/;

const TEXT_AND_COUNT = SelectionNode.create(
  RawNode.createWithSql("coalesce(json_agg(served_row), '[]')::text as json_text, count(*)::integer as row_count"),
);

/** Whether the answer is a list of plain rows in JSON. `functions` are the introspection's. */
export function isPlainList(request, path, functions) {
  const isCall = path.startsWith("/rpc/");
  if (request.method !== "GET" && !(isCall && request.method === "POST")) return false;
  if (!PLAIN_JSON.test(request.headers.get("accept") ?? "*/*")) return false;
  const select = new URL(request.url).searchParams.get("select");
  if (select !== null && !PLAIN_SELECT.test(select)) return false;
  if (!isCall) return true;
  const overloads = functions.filter(({ name }) => name === path.slice("/rpc/".length));
  return overloads.length > 0 && overloads.every(returnsTable);
}

function returnsTable({ return_is_setof, has_out_args, return_typtype }) {
  return return_is_setof && (has_out_args || return_typtype === "c");
}

/**
 * A plugin of Kysely's for one request. It lets PostgreSQL write the rows of the first query and hands on as many rows
 * without columns, of which @supabase/lite makes the headers. A later query, which counts, is left alone.
 */
export class JsonText {
  #text = null;
  #queryId = null;

  transformQuery({ node, queryId }) {
    if (this.#queryId !== null) return node;
    this.#queryId = queryId;
    const rows = AliasNode.create(node, IdentifierNode.create("served_row"));
    return SelectQueryNode.cloneWithSelections(SelectQueryNode.createFrom([rows]), [TEXT_AND_COUNT]);
  }

  async transformResult({ result, queryId }) {
    if (queryId !== this.#queryId || this.#text !== null) return result;
    const [{ json_text, row_count }] = result.rows;
    this.#text = json_text;
    return { ...result, rows: Array.from({ length: row_count }, () => ({})) };
  }

  /** The response with what PostgreSQL wrote for its body, if it came to that. */
  into(response) {
    if (!response.ok || this.#text === null) return response;
    const headers = new Headers(response.headers);
    headers.delete("content-length");
    return new Response(this.#text, { status: response.status, headers });
  }
}

// The local server's way to the database: as `authenticator`, switching to the request's role in every transaction.

import { PostgresConnection } from "@supabase/lite/postgres";
import { sql } from "kysely";

import { jsonTypes } from "./json_types.mjs";
import { requestScope } from "./request_scope.mjs";

const POOL_SIZE = 10;
const SERVED_SCHEMA = "public";

/** Options of the driver that every connection of ours to the database has. */
export const driverOptions = {
  connect_timeout: 10,
  connection: { application_name: "ticketmarts-api" },
  onnotice: () => {},
};

/**
 * @supabase/lite looks once whether any table has row-level security. If one has, it grants ALL on all tables beside it
 * to the request roles; if none has, it does not switch roles at all. Neither is wanted: the grants are the migrations'
 * and dbt's business, and every request runs as its role. (As `authenticator` the grants would be refused anyway.)
 *
 * It learns of tables from information_schema, which shows a role only what it may read. `authenticator` may read
 * nothing before it switches, so another role looks for it.
 */
class RequestConnection extends PostgresConnection {
  #introspector;

  constructor(config, introspector) {
    super(config);
    this.#introspector = introspector;
  }

  async ensureRlsContext() {
    return true;
  }

  async introspect(options) {
    return servedPart(await this.#introspector.introspect(options));
  }

  /**
   * What PostgREST does before each request, in one round trip where @supabase/lite takes five or more: the role, its own
   * settings as if it had logged in (a statement time-out), what the request is, and the function before the request.
   */
  async applyJwtSessionContext(transaction, context) {
    const { role = "anon", jwt = {} } = context.auth ?? {};
    const scope = requestScope.getStore();
    const { rows } = await sql`
      select
        set_config('role', ${String(role)}, true),
        set_config('request.jwt.claims', ${JSON.stringify(jwt)}, true),
        set_config('request.method', ${scope.method}, true),
        set_config('request.path', ${scope.path}, true),
        set_config('response.status', '', true),
        set_config('response.headers', '', true),
        (
          select set_config('statement_timeout', split_part(setting, '=', 2), true)
          from pg_db_role_setting as s
          inner join pg_roles as r on r.oid = s.setrole and r.rolname = ${String(role)}
          cross join unnest(s.setconfig) as setting
          where s.setdatabase = 0 and setting like 'statement_timeout=%'
        ),
        gateway.before_request(),
        current_setting('response.headers', true) as headers
    `.execute(transaction);
    scope.headers = rows[0].headers;
  }

  async withContext(variables, answer, options) {
    const { jsonText } = requestScope.getStore();
    return super.withContext(variables, (db) => answer(jsonText ? db.withPlugin(jsonText) : db), options);
  }

  /** Said already, with the role; @supabase/lite reads what the function leaves in response.headers. */
  async applyRpcRequestGucs() {}
}

const servedParts = new WeakMap();

/**
 * What an introspection says of the schema that is served, without the text of its views: computed once for each.
 * At every request @supabase/lite looks through all columns that it is told of, and at a view's also through the view's
 * text for casts to types of its own, which nothing here has. With some months of partitions that took longer than the
 * query: 2.4 of the 4.9 ms of processor time that a request for one row cost in this process.
 */
function servedPart(introspection) {
  if (!servedParts.has(introspection)) {
    const isServed = ({ schema }) => schema === SERVED_SCHEMA;
    servedParts.set(introspection, {
      ...introspection,
      tables: introspection.tables.filter(isServed),
      columns: introspection.columns.filter(isServed),
      views: introspection.views.filter(isServed).map(({ sql: _, ...view }) => view),
    });
  }
  return servedParts.get(introspection);
}

/** The connections of requests (as `authenticator`) and of introspection (as a role that sees every table). */
export function connect(requestUrl, introspectionUrl) {
  const introspector = new PostgresConnection({ url: introspectionUrl, postgresOptions: { ...driverOptions, max: 1 } });
  const options = { ...driverOptions, max: POOL_SIZE, types: jsonTypes };
  const requests = new RequestConnection({ url: requestUrl, postgresOptions: options }, introspector);
  return { requests, introspector };
}

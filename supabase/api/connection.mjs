// The Data API's way to the database: as `authenticator`, switching to the request's role in every transaction.

import { PostgresConnection } from "@supabase/lite/postgres";
import { sql } from "kysely";

import { jsonTypes } from "./json_types.mjs";

const POOL_SIZE = 10;

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

  introspect(options) {
    return this.#introspector.introspect(options);
  }

  /** Settings of the request's role, such as its statement time-out, hold as if it had logged in: as in PostgREST. */
  async applyJwtSessionContext(transaction, context, isRoleSwitched) {
    await super.applyJwtSessionContext(transaction, context, isRoleSwitched);
    await sql`
      select set_config(split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1), true)
      from pg_db_role_setting as s
      cross join unnest(s.setconfig) as setting
      where s.setrole = current_user::regrole and s.setdatabase = 0 and setting like 'statement_timeout=%'
    `.execute(transaction);
  }
}

/** The connections of requests (as `authenticator`) and of introspection (as a role that sees every table). */
export function connect(requestUrl, introspectionUrl) {
  const introspector = new PostgresConnection({ url: introspectionUrl, postgresOptions: { ...driverOptions, max: 1 } });
  const options = { ...driverOptions, max: POOL_SIZE, types: jsonTypes };
  const requests = new RequestConnection({ url: requestUrl, postgresOptions: options }, introspector);
  return { requests, introspector };
}

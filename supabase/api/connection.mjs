// The Data API's way to the database: as `authenticator`, switching to the request's role in every transaction.

import { PostgresConnection } from "@supabase/lite/postgres";

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
}

/** The connections of requests (as `authenticator`) and of introspection (as a role that sees every table). */
export function connect(requestUrl, introspectionUrl) {
  const introspector = new PostgresConnection({ url: introspectionUrl, postgresOptions: { ...driverOptions, max: 1 } });
  const options = { ...driverOptions, max: POOL_SIZE, types: jsonTypes };
  const requests = new RequestConnection({ url: requestUrl, postgresOptions: options }, introspector);
  return { requests, introspector };
}

// Notices when the schema `public` changes (dbt has built a new view, say) or who may read what is below it, when the
// marts have been built anew, and when the database is away. PostgREST is told of a schema by NOTIFY; here nobody has to
// remember that. Of a build dbt tells.

import postgres from "postgres";

import { driverOptions } from "./connection.mjs";

const INTERVAL_MS = 1000;
const BUILT = "ticketmarts_built"; // dbt_project/macros/announce_build.sql

// Catalogue rows get a new version (xmin) with every change of a table, a view or a function. Of what the views and
// functions read, policies and grants count: by what was allowed before, nobody is answered. Tables there get new
// versions in the run of things, so their grants are taken as they read; partitions are never asked by name.
const FINGERPRINT = `
  with below as (
    select c.oid, c.relname, c.relrowsecurity, c.relacl
    from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ('marts', 'raw') and c.relkind in ('r', 'p') and not c.relispartition
  )
  select md5(coalesce(string_agg(entry, ',' order by entry), '')) as fingerprint
  from (
    select 'class ' || c.oid || ' ' || c.xmin || ' ' || c.relname as entry
    from pg_class as c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
    union all
    select 'column ' || a.attrelid || ' ' || a.attnum || ' ' || a.xmin
    from pg_attribute as a inner join pg_class as c on c.oid = a.attrelid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0
    union all
    select 'function ' || p.oid || ' ' || p.xmin from pg_proc as p where p.pronamespace = 'public'::regnamespace
    union all
    select 'policy ' || p.oid || ' ' || p.xmin from pg_policy as p
    union all
    select 'grants ' || c.relname || ' ' || c.relrowsecurity || ' ' || coalesce(c.relacl::text, '')
    from below as c
    union all
    select 'grants on columns ' || c.relname || ' ' || a.attname || ' ' || a.attacl::text
    from below as c inner join pg_attribute as a on a.attrelid = c.oid
    where a.attacl is not null
    union all
    select 'grants on a schema ' || n.nspname || ' ' || coalesce(n.nspacl::text, '')
    from pg_namespace as n
    where n.nspname in ('public', 'marts', 'raw', 'aggregates', 'gateway')
    union all
    select 'function below ' || p.oid || ' ' || p.xmin
    from pg_proc as p
    where p.pronamespace in (select n.oid from pg_namespace as n where n.nspname in ('raw', 'aggregates', 'gateway'))
    union all
    select 'comment ' || d.objoid || ' ' || d.objsubid || ' ' || d.xmin
    from pg_description as d
    where
      d.objoid in (select c.oid from pg_class as c where c.relnamespace = 'public'::regnamespace)
      or d.objoid in (select p.oid from pg_proc as p where p.pronamespace = 'public'::regnamespace)
  ) as entries`;

export class SchemaWatch {
  #sql;
  #reload;
  #onBuild;
  #isListening = false;
  #fingerprint = null;
  #timer = null;

  /**
   * `reload` is called with a connection at the first look, and whenever the schema is another than before; `onBuild`
   * after every build, and when one may have been missed.
   */
  constructor(databaseUrl, reload, onBuild) {
    this.#sql = postgres(databaseUrl, { ...driverOptions, max: 1, connect_timeout: 5 });
    this.#reload = reload;
    this.#onBuild = onBuild;
  }

  /** Whether the database answered at the last look, and the API knows its schema. */
  get isReady() {
    return this.#fingerprint !== null;
  }

  async start() {
    await this.#look();
    this.#timer = setTimeout(() => this.start(), INTERVAL_MS);
  }

  async stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    await this.#sql.end({ timeout: 1 });
  }

  async #look() {
    try {
      if (!this.#isListening) {
        await this.#sql.listen(BUILT, this.#onBuild, this.#onBuild);
        this.#isListening = true; // for good: the driver listens again after it has lost the connection
      }
      const [{ fingerprint }] = await this.#sql.unsafe(FINGERPRINT);
      if (fingerprint !== this.#fingerprint) {
        await this.#reload(this.#sql);
        this.#fingerprint = fingerprint;
      }
    } catch (error) {
      if (this.isReady || this.#timer === null) console.error(`the database does not answer: ${error.message || error.code}`);
      this.#fingerprint = null;
    }
  }
}

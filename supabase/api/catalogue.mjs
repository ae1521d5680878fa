// What the API serves, as PostgreSQL's catalogue has it: views and functions of `public`, their columns, arguments,
// comments, and the roles that may read each. What belongs here: asking. What does not: what is said of it (openapi.mjs).

// The roles that requests can have are those that PostgREST's login may take on.
const REQUEST_ROLES = `
  request_roles as (
    select r.oid, r.rolname::text as name
    from pg_auth_members as m
    inner join pg_roles as r on r.oid = m.roleid
    where m.member = 'authenticator'::regrole
  )`;

const RELATIONS = `
  with ${REQUEST_ROLES}
  select
    c.relname::text as name,
    c.reltype::integer as row_type,
    obj_description(c.oid, 'pg_class') as comment,
    array(select r.name from request_roles as r where has_table_privilege(r.oid, c.oid, 'select') order by 1) as roles,
    (
      select json_agg(json_build_object(
        'name', a.attname,
        'type', a.atttypid::integer,
        'written', format_type(a.atttypid, a.atttypmod),
        'comment', col_description(c.oid, a.attnum)
      ) order by a.attnum)
      from pg_attribute as a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) as columns
  from pg_class as c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
  order by 1`;

// Rows of another relation that `select` may ask for beside a row: functions of the row, which PostgREST calls computed
// relationships. One row is an object, and PostgREST knows that there is one by the function's estimate of rows.
const EMBEDS = `
  with ${REQUEST_ROLES}
  select
    p.proname::text as name,
    p.proargtypes[0]::integer as row_type,
    p.prorettype::integer as embedded_type,
    not p.proretset or p.prorows = 1 as is_one,
    obj_description(p.oid, 'pg_proc') as comment,
    array(
      select r.name from request_roles as r where has_function_privilege(r.oid, p.oid, 'execute') order by 1
    ) as roles
  from pg_proc as p
  inner join pg_class as c on c.reltype = p.proargtypes[0]
  where p.pronamespace = 'public'::regnamespace and p.pronargs = 1
  order by 1`;

// A function with an argument that is a row is not called by itself.
const FUNCTIONS = `
  with ${REQUEST_ROLES}
  select
    p.proname::text as name,
    p.prorettype::integer as return_type,
    p.proretset as returns_set,
    p.provolatile = 'v' as is_volatile,
    obj_description(p.oid, 'pg_proc') as comment,
    array(
      select r.name from request_roles as r where has_function_privilege(r.oid, p.oid, 'execute') order by 1
    ) as roles,
    (
      select coalesce(json_agg(json_build_object(
        'name', coalesce(p.proargnames[a.position], ''),
        'type', a.type::integer,
        'written', format_type(a.type, null),
        'mode', coalesce(p.proargmodes[a.position], 'i'),
        'has_default', a.input > p.pronargs - p.pronargdefaults,
        'default', pg_get_function_arg_default(p.oid, a.position::integer)
      ) order by a.position), '[]')
      from (
        select
          position,
          type,
          count(*) filter (where coalesce(p.proargmodes[position], 'i') in ('i', 'b', 'v')) over (order by position) as input
        from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as given (type, position)
      ) as a
    ) as arguments
  from pg_proc as p
  where
    p.pronamespace = 'public'::regnamespace
    and p.prokind = 'f'
    and p.prorettype <> 'trigger'::regtype
    and not exists (
      select from unnest(p.proargtypes) as given (type)
      inner join pg_type as t on t.oid = given.type
      where t.typtype = 'c'
    )
  order by 1`;

const TYPES = `
  select
    t.oid::integer as oid,
    case when t.typtype = 'd' then t.typbasetype::integer end as base,
    case when t.typcategory = 'A' then t.typelem::integer end as element,
    case when t.typtype = 'e' then array(
      select e.enumlabel::text from pg_enum as e where e.enumtypid = t.oid order by e.enumsortorder
    ) end as labels
  from pg_type as t
  where t.typtype in ('d', 'e') or t.typcategory = 'A'`;

/**
 * All that is served: `roles`, `relations`, `embeds`, `functions`, and `types`, a Map from OID to what a type that is not
 * a plain one is made of. `sql` is a connection of a role that sees the catalogue, whoever may read what.
 */
export async function readCatalogue(sql) {
  const [roles, relations, embeds, functions, types] = await Promise.all([
    sql.unsafe(`with ${REQUEST_ROLES} select name from request_roles order by 1`),
    sql.unsafe(RELATIONS),
    sql.unsafe(EMBEDS),
    sql.unsafe(FUNCTIONS),
    sql.unsafe(TYPES),
  ]);
  return {
    roles: roles.map(({ name }) => name),
    relations: [...relations],
    embeds: [...embeds],
    functions: functions.map(({ arguments: all, ...rest }) => ({
      ...rest,
      arguments: all.filter(({ mode }) => "ibv".includes(mode)),
      columns: all.filter(({ mode }) => "otb".includes(mode)),
    })),
    types: new Map(types.map((type) => [type.oid, type])),
  };
}

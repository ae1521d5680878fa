-- The roles that the pipeline itself works as, each with no more than its part needs.
--
--     ticketmarts_loader         captures: writes raw; makes, and owns, the daily partitions
--     ticketmarts_transformer    dbt: reads raw and clears its marks; owns staging, intermediate, marts and what dbt
--                                makes in public. dbt always works as this role, whoever it has logged in as
--                                (dbt_project/profiles.yml), so that everything it makes has one owner everywhere
--     ticketmarts_orchestrator   Dagster, whose runs do both: a member of the two, and nothing else
--
-- They cannot log in before somebody gives them a password (docs/SUPABASE_SETUP.md).

set lock_timeout = '5s';

do $$
declare
    v_role name;
begin
    foreach v_role in array array['ticketmarts_loader', 'ticketmarts_transformer', 'ticketmarts_orchestrator'] loop
        if not exists (select from pg_roles where rolname = v_role) then
            execute format('create role %I nologin', v_role);
        end if;
    end loop;

    -- Whoever migrates hands objects to these roles, now and in later migrations, and dbt may log in as that role, too.
    -- On hosted Supabase that is postgres, which is no superuser.
    foreach v_role in array array['ticketmarts_loader', 'ticketmarts_transformer'] loop
        if not pg_has_role(current_user, v_role, 'usage') then
            execute format('grant %I to current_user', v_role);
        end if;
        if not pg_has_role('ticketmarts_orchestrator', v_role, 'usage') then
            execute format('grant %I to ticketmarts_orchestrator', v_role);
        end if;
    end loop;
end
$$;

-- The loader ----------------------------------------------------------------------------------------------------------

grant usage, create on schema raw to ticketmarts_loader;
grant select, insert, update, delete on all tables in schema raw to ticketmarts_loader;
grant usage on all sequences in schema raw to ticketmarts_loader;
grant execute on all functions in schema raw to ticketmarts_loader;
-- Tables of later migrations: what is in raw, ingestion writes.
alter default privileges in schema raw grant select, insert, update, delete on tables to ticketmarts_loader;
alter default privileges in schema raw grant usage on sequences to ticketmarts_loader;
alter default privileges in schema raw grant execute on functions to ticketmarts_loader;

-- Captures are written by COPY, which PostgreSQL refuses under row-level security to all but a table's owner; and only
-- an owner attaches partitions. Those belong to the loader whoever asks for them: the function that makes them has its
-- rights.
do $$
declare
    v_table regclass;
begin
    for v_table in
        select c.oid
        from pg_class as c
        where
            c.relnamespace = 'raw'::regnamespace
            and (
                c.relname in ('snapshots', 'keyframes')
                or exists (
                    select
                    from pg_inherits as i
                    where i.inhrelid = c.oid and i.inhparent in ('raw.snapshots'::regclass, 'raw.keyframes'::regclass)
                )
            )
            and c.relkind in ('r', 'p')
    loop
        execute format('alter table %s owner to ticketmarts_loader', v_table);
    end loop;
end
$$;

create or replace function raw.ensure_partitions(p_first_day date, p_last_day date) returns void
language plpgsql security definer
set search_path = ''
as $$
declare
    v_day date;
    v_parent text;
    v_partition text;
begin
    -- One maker at a time, and a look only with the lock held: a name looked up before is remembered as missing.
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('raw.ensure_partitions'));
    for v_day in select pg_catalog.generate_series(p_first_day, p_last_day, interval '1 day')::date loop
        foreach v_parent in array array['snapshots', 'keyframes'] loop
            v_partition := v_parent || '_' || pg_catalog.to_char(v_day, 'YYYYMMDD');
            if not exists (
                select
                from pg_catalog.pg_class as c
                where c.relname = v_partition and c.relnamespace = 'raw'::regnamespace
            ) then
                -- Attaching, unlike "create … partition of", does not stop readers and writers.
                execute pg_catalog.format(
                    'create table raw.%I (like raw.%I including defaults including constraints)', v_partition, v_parent
                );
                execute pg_catalog.format(
                    'alter table raw.%I attach partition raw.%I for values from (%L) to (%L)',
                    v_parent,
                    v_partition,
                    pg_catalog.to_char(v_day, 'YYYY-MM-DD 00:00:00+00'),
                    pg_catalog.to_char(v_day + 1, 'YYYY-MM-DD 00:00:00+00')
                );
            end if;
        end loop;
    end loop;
end;
$$;
alter function raw.ensure_partitions(date, date) owner to ticketmarts_loader;
revoke execute on function raw.ensure_partitions(date, date) from public;

create policy loader_writes on raw.heads for all to ticketmarts_loader using (true) with check (true);
create policy loader_writes on raw.placements for all to ticketmarts_loader using (true) with check (true);
create policy loader_writes on raw.terms for all to ticketmarts_loader using (true) with check (true);
create policy loader_writes on raw.tracked_events for all to ticketmarts_loader using (true) with check (true);
create policy loader_writes on raw.scrape_failures for all to ticketmarts_loader using (true) with check (true);
create policy loader_writes on raw.stale_hours for all to ticketmarts_loader using (true) with check (true);
create policy loader_writes on raw.loads for all to ticketmarts_loader using (true) with check (true);

-- The transformer ----------------------------------------------------------------------------------------------------

create schema if not exists staging;
create schema if not exists intermediate;
create schema if not exists marts;
comment on schema staging is 'A view for each table of raw, renamed and cast. Made by dbt.';
comment on schema intermediate is 'Working tables of one dbt run. Made by dbt.';
comment on schema marts is
'Events, venues, performers, their metrics by hour, by day and now, and the lives of listings. Made by dbt, served through public.';
alter schema staging owner to ticketmarts_transformer;
alter schema intermediate owner to ticketmarts_transformer;
alter schema marts owner to ticketmarts_transformer;
-- Roles of the API need usage on public; dbt gives it back where somebody has taken it away.
grant create on schema public to ticketmarts_transformer;
grant usage on schema public to ticketmarts_transformer with grant option;

-- What dbt has made before this. In public it is known by its fingerprints, since other things may be there.
do $$
declare
    v_object text;
begin
    for v_object in
        select format('table %s', c.oid::regclass)
        from pg_class as c
        where
            c.relnamespace in ('staging'::regnamespace, 'intermediate'::regnamespace, 'marts'::regnamespace)
            and c.relkind in ('r', 'v')
        union all
        select format('view %s', c.oid::regclass)
        from pg_class as c
        inner join pg_rewrite as r on c.oid = r.ev_class and r.rulename = '_RETURN'
        where
            c.relnamespace = 'public'::regnamespace
            and c.relkind = 'v'
            and obj_description(r.oid, 'pg_rewrite') like 'statements %'
        union all
        select format('function %s', p.oid::regprocedure)
        from pg_proc as p
        where p.pronamespace = 'public'::regnamespace and strpos(p.prosrc, '-- statements ') > 0
    loop
        execute format('alter %s owner to ticketmarts_transformer', v_object);
    end loop;
end
$$;

grant usage on schema raw to ticketmarts_transformer;
grant select on raw.tracked_events to ticketmarts_transformer;
grant select on raw.productions to ticketmarts_transformer;
grant select on raw.seating to ticketmarts_transformer;
grant select on raw.placements to ticketmarts_transformer;
grant select on raw.terms to ticketmarts_transformer;
grant select on raw.snapshots to ticketmarts_transformer;
grant select on raw.keyframes to ticketmarts_transformer;
grant select on raw.heads to ticketmarts_transformer;
grant select on raw.loads to ticketmarts_transformer;
grant select on raw.scrape_failures to ticketmarts_transformer;
grant execute on function raw.listing_states(bigint, timestamptz, timestamptz) to ticketmarts_transformer;
grant execute on function raw.listings_at(bigint, timestamptz) to ticketmarts_transformer;
grant execute on function raw.listing_changes(bigint, timestamptz, timestamptz) to ticketmarts_transformer;

-- The ledger is the one table that both write: a build clears the marks that it has read, and sets those of the hours
-- that a moved start or a range asked for makes stale.
grant select, insert, update, delete on raw.stale_hours to ticketmarts_transformer;
grant usage on sequence raw.stale_mark_seq to ticketmarts_transformer;
grant execute on function raw.mark_stale(timestamptz, timestamptz) to ticketmarts_transformer;
create policy transformer_keeps_marks on raw.stale_hours
for all to ticketmarts_transformer using (true) with check (true);

create policy transformer_reads on raw.snapshots for select to ticketmarts_transformer using (true);
create policy transformer_reads on raw.keyframes for select to ticketmarts_transformer using (true);
create policy transformer_reads on raw.placements for select to ticketmarts_transformer using (true);
create policy transformer_reads on raw.terms for select to ticketmarts_transformer using (true);
create policy transformer_reads on raw.heads for select to ticketmarts_transformer using (true);
create policy transformer_reads on raw.tracked_events for select to ticketmarts_transformer using (true);
create policy transformer_reads on raw.scrape_failures for select to ticketmarts_transformer using (true);
create policy transformer_reads on raw.loads for select to ticketmarts_transformer using (true);

-- The API's functions name those of aggregates.
grant usage on schema aggregates to ticketmarts_transformer;
grant execute on all functions in schema aggregates to ticketmarts_transformer;
alter default privileges for role ticketmarts_transformer revoke execute on functions from public;

-- The orchestrator ---------------------------------------------------------------------------------------------------
-- It cannot migrate, but it is told whether somebody has to.

do $$
begin
    if to_regclass('supabase_migrations.schema_migrations') is not null then
        grant usage on schema supabase_migrations to ticketmarts_orchestrator;
        grant select on supabase_migrations.schema_migrations to ticketmarts_orchestrator;
    end if;
end
$$;

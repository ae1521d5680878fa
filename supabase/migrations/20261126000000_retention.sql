-- Retention of raw by whole days, and what is remembered of what was dropped.
--
-- The marts of a dropped day stay as they are: nothing that is left could tell them. Nor could it tell the day on which
-- an event's history now begins, whose first capture was compared with one that is gone. So for each event it is kept
-- from which UTC day on raw tells windows in full, and dbt rebuilds no earlier one (int_windows, replace_windows).

set lock_timeout = '5s';

create table raw.dropped_captures (
    event_id bigint primary key,
    dropped_until_at timestamptz not null,
    whole_from_at timestamptz not null
);
comment on table raw.dropped_captures is
'Events of which captures were dropped because of their age, and from when on raw still tells windows in full. Written with the drop, read by dbt.';
comment on column raw.dropped_captures.dropped_until_at is 'The newest capture of the event that was dropped.';
comment on column raw.dropped_captures.whole_from_at is
'Start of the UTC day after the one on which the event''s history began when captures were last dropped: windows before it are not rebuilt, the marts keep what they say.';
grant select on raw.dropped_captures to ticketmarts_transformer;

create function raw.events_of_day(p_day date)
returns table (
    event_id bigint, captures bigint, newest_at timestamptz, next_at timestamptz, whole_from_at timestamptz
)
language sql stable
set search_path = ''
as $$
    with events as (
        select
            s.event_id,
            count(*) as captures,
            max(s.captured_at) as newest_at
        from raw.snapshots as s
        where
            s.captured_at >= p_day::timestamp at time zone 'UTC'
            and s.captured_at < (p_day + 1)::timestamp at time zone 'UTC'
        group by s.event_id
    )

    select
        e.event_id,
        e.captures,
        e.newest_at,
        next.captured_at as next_at,
        date_trunc('day', coalesce(next.captured_at, e.newest_at), 'UTC') + interval '24 hours' as whole_from_at
    from events as e
    left join lateral (
        select s.captured_at
        from raw.snapshots as s
        where s.event_id = e.event_id and s.captured_at >= (p_day + 1)::timestamp at time zone 'UTC'
        order by s.captured_at asc
        limit 1
    ) as next on true;
$$;
comment on function raw.events_of_day is
'The events captured on a UTC day: how often and when last, their first capture after that day (null: none), and from when on raw would tell windows in full without the day.';

create function raw.why_not_dropped(p_day date) returns text
language sql stable
set search_path = ''
as $$
    with events as materialized (
        select * from raw.events_of_day(p_day)
    ),

    waiting as (
        select count(*) as hours
        from events as e
        inner join raw.stale_hours as h on e.event_id = h.event_id
        where h.hour_at < e.whole_from_at
    ),

    returned as (
        select count(*) as events
        from events as e
        where e.whole_from_at > now() - interval '24 hours'
    )

    select
        case
            when w.hours > 0 then format('%s hours that it has a part in are not rolled up yet', w.hours)
            when r.events > 0 then format('%s events were captured next only lately', r.events)
        end
    from waiting as w
    cross join returned as r;
$$;
comment on function raw.why_not_dropped is
'Why a UTC day is not dropped yet, null where it can be: the marts do not say yet what it says, or an event''s next capture after it is so new that the windows of that day are still being built.';

-- The heavy part comes before the table locks: who waits for one of those has everybody who reads or writes snapshots
-- wait behind him. Half a second of that is borne by all, anon's time-out being three seconds. It is also less than
-- deadlock_timeout, so that he who gives way is never a reader: some lock snapshots first, others keyframes.
create function raw.drop_day(p_day date, out reason text, out captures bigint, out bytes bigint)
language plpgsql security definer
set search_path = ''
set lock_timeout = '500ms'
as $$
declare
    v_snapshots constant text := 'snapshots_' || pg_catalog.to_char(p_day, 'YYYYMMDD');
    v_keyframes constant text := 'keyframes_' || pg_catalog.to_char(p_day, 'YYYYMMDD');
    v_locked bigint[];
    v_events bigint[];
    v_next timestamptz[];
    v_next_day text;
    v_captures bigint;
begin
    if p_day >= (pg_catalog.now() at time zone 'UTC')::date then
        raise exception 'the UTC day % is not over', p_day;
    end if;
    if exists (
        select
        from pg_catalog.pg_class as c
        where
            c.relnamespace = 'raw'::regnamespace
            and c.relname ~ '^(snapshots|keyframes)_\d{8}$'
            and right(c.relname, 8) < pg_catalog.to_char(p_day, 'YYYYMMDD')
    ) then
        raise exception 'older days than % are still there: the oldest is dropped first', p_day;
    end if;

    -- No build is on: one that has read the day before would write after, what is then only a part.
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('ticketmarts.build'));
    -- Nobody writes these events, as writers hold their heads first.
    v_locked := array(select e.event_id from raw.events_of_day(p_day) as e);
    perform from raw.heads as h where h.event_id = any(v_locked) order by h.event_id for update;

    reason := raw.why_not_dropped(p_day);
    select
        coalesce(sum(e.captures), 0),
        array_agg(e.event_id order by e.event_id),
        array_agg(e.next_at order by e.event_id)
    into captures, v_events, v_next
    from raw.events_of_day(p_day) as e;
    if reason is not null then
        return;
    end if;
    if not coalesce(v_events <@ v_locked, true) then
        raise lock_not_available using message = 'captures of other events came in meanwhile';
    end if;

    insert into raw.dropped_captures as d (event_id, dropped_until_at, whole_from_at)
    select e.event_id, e.newest_at, e.whole_from_at
    from raw.events_of_day(p_day) as e
    order by e.event_id
    on conflict (event_id) do update
    set
        dropped_until_at = greatest(d.dropped_until_at, excluded.dropped_until_at),
        whole_from_at = greatest(d.whole_from_at, excluded.whole_from_at);

    -- An event's first capture is new in every listing: as its keyframe says, which it has as the first of its day.
    for v_next_day in
        select distinct pg_catalog.to_char(n.at at time zone 'UTC', 'YYYYMMDD')
        from unnest(v_next) as n (at)
        where n.at is not null
    loop
        execute pg_catalog.format(
            'update raw.%I as s
            set
                change_count = cardinality(k.listing_key), listing_key = k.listing_key, quantity = k.quantity,
                price_cents = k.price_cents, all_in_cents = k.all_in_cents, source_listing_id = k.source_listing_id,
                placement_id = k.placement_id, terms_id = k.terms_id, seat_low = k.seat_low, seat_high = k.seat_high
            from raw.%I as k
            inner join unnest($1, $2) as n (event_id, at) on k.event_id = n.event_id and k.captured_at = n.at
            where s.event_id = k.event_id and s.captured_at = k.captured_at',
            'snapshots_' || v_next_day, 'keyframes_' || v_next_day
        ) using v_events, v_next;
    end loop;

    execute pg_catalog.format(
        'delete from raw.loads as l using raw.%I as s
        where l.event_id = s.event_id and l.captured_at = s.captured_at',
        v_snapshots
    );
    delete from raw.known_bodies as k
    where k.event_id = any(v_events) and k.captured_at < (p_day + 1)::timestamp at time zone 'UTC';

    -- As everybody does, the whole table before its partitions.
    lock table only raw.snapshots, only raw.keyframes in access exclusive mode;
    execute pg_catalog.format('select count(*) from raw.%I', v_snapshots) into v_captures;
    if v_captures <> captures then
        raise lock_not_available using message = 'captures of other events came in meanwhile';
    end if;
    bytes := pg_catalog.pg_total_relation_size(pg_catalog.format('raw.%I', v_snapshots)::regclass)
        + pg_catalog.pg_total_relation_size(pg_catalog.format('raw.%I', v_keyframes)::regclass);
    execute pg_catalog.format('drop table raw.%I, raw.%I', v_snapshots, v_keyframes);
end;
$$;
alter function raw.drop_day(date) owner to ticketmarts_loader;
comment on function raw.drop_day is
'Drops the captures of a UTC day, the oldest there is, with what belongs to them, in the caller''s transaction; or does nothing and says why (raw.why_not_dropped). Raises lock_not_available where a lock is not to be had within half a second, as while a build is on: then try again later.';
revoke execute on function raw.events_of_day(date) from public;
revoke execute on function raw.why_not_dropped(date) from public;
revoke execute on function raw.drop_day(date) from public;

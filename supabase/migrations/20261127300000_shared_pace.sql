-- The pace at which a marketplace is asked, for all the workers that share a round.

set lock_timeout = '5s';

create table raw.paces (
    marketplace text primary key,
    next_turn_at timestamptz not null,
    slowness double precision not null default 1 check (slowness between 1 and 16),
    quiet_until timestamptz
);
comment on table raw.paces is
'How fast a marketplace is asked by workers that share a round: one row each, from which every request takes its turn.';
comment on column raw.paces.marketplace is 'Its base URL.';
comment on column raw.paces.next_turn_at is 'No request goes out before this instant; whoever takes a turn moves it on.';
comment on column raw.paces.slowness is
'By how much longer than the settings say the time between two turns is: doubled by each rate limit, 16 at most.';
comment on column raw.paces.quiet_until is 'The marketplace has asked (Retry-After) to be left alone until then; null where it never has.';

create function raw.take_turn(
    p_marketplace text,
    p_seconds_between double precision,
    p_rate_limits integer,
    p_answers integer,
    p_quiet_seconds double precision,
    p_longest_pause_seconds double precision
)
returns table (wait_seconds double precision, quiet_seconds double precision)
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_pace raw.paces;
    v_now timestamptz;
begin
    insert into raw.paces (marketplace, next_turn_at) values (p_marketplace, clock_timestamp())
    on conflict (marketplace) do nothing;
    select * into v_pace from raw.paces where marketplace = p_marketplace for update;
    -- Only now: others may have had the row for a while.
    v_now := clock_timestamp();
    v_pace.slowness := greatest(least(v_pace.slowness * 2 ^ p_rate_limits, 16) * 0.9 ^ p_answers, 1);
    v_pace.quiet_until := greatest(v_pace.quiet_until, v_now + make_interval(secs => p_quiet_seconds));
    quiet_seconds := coalesce(greatest(extract(epoch from v_pace.quiet_until - v_now), 0), 0);
    if quiet_seconds <= p_longest_pause_seconds then
        v_pace.next_turn_at := greatest(v_pace.next_turn_at, v_pace.quiet_until, v_now);
        wait_seconds := extract(epoch from v_pace.next_turn_at - v_now);
        v_pace.next_turn_at := v_pace.next_turn_at + make_interval(secs => p_seconds_between * v_pace.slowness);
    end if;
    update raw.paces
    set next_turn_at = v_pace.next_turn_at, slowness = v_pace.slowness, quiet_until = v_pace.quiet_until
    where marketplace = p_marketplace;
    return next;
end;
$$;
comment on function raw.take_turn(text, double precision, integer, integer, double precision, double precision) is
'Take the next turn to ask a marketplace, and tell what its answers since the last call have said of its patience. wait_seconds is the time until the turn by the database''s clock, so that workers'' clocks need not agree; null where the marketplace wants to be left alone for longer than p_longest_pause_seconds, and no turn was taken. p_rate_limits double the time between turns, p_answers that were none take a tenth back each; p_quiet_seconds is a Retry-After, or null.';

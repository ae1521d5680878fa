-- Events that enter and leave by rules, and what the marketplace no longer says of some.

alter table raw.tracked_events
add column added_by_hand boolean not null default true,
add column removed_by_hand boolean not null default false,
add column rule text,
add column left_at timestamptz,
add column production_not_found_streak integer not null default 0,
add column production_not_found_since_at timestamptz;
comment on column raw.tracked_events.interval_seconds is
'The interval in force: seconds between two captures, as the cadence of the last round had it.';
comment on column raw.tracked_events.added_by_hand is
'Whether a person has asked for the event: then it stays until a person removes it, whatever the rules find.';
comment on column raw.tracked_events.removed_by_hand is
'Whether a person has removed the event: then it stays out, whatever the rules find.';
comment on column raw.tracked_events.rule is
'The rule of tracking.yaml that found the event when they were last run; null where none did.';
comment on column raw.tracked_events.left_at is 'When the event was last no longer tracked; null while it is.';
comment on column raw.tracked_events.production_not_found_streak is
'How often in a row the marketplace has answered 404 when it was asked about the event itself.';
comment on column raw.tracked_events.production_not_found_since_at is 'When that streak began; null where there is none.';

alter table raw.productions
add column state text not null default 'on_sale' check (state in ('on_sale', 'hidden', 'gone')),
add column moved_from_at timestamptz;
comment on column raw.productions.state is
'What has become of the event. hidden: the marketplace says so. gone: it has answered 404 several times in a row; the document is the last that was known.';
comment on column raw.productions.moved_from_at is
'In the version with which a known start has moved, or is unknown again: the start before. Null in all others.';

create table raw.discoveries (
    started_at timestamptz primary key,
    finished_at timestamptz not null,
    rules_hash bigint not null,
    is_complete boolean not null,
    found_count integer not null,
    entered_count integer not null,
    left_count integer not null,
    problems jsonb not null
);
comment on table raw.discoveries is
'One row each time that the rules of tracking.yaml were run. The next run is due an hour after the last one, ten minutes after one that was not complete, or when the rules have changed.';
comment on column raw.discoveries.rules_hash is 'Hash of the rules that were run.';
comment on column raw.discoveries.is_complete is
'Whether every rule was answered in full. Where one was not, no event has left for want of being found.';
comment on column raw.discoveries.found_count is 'Events that the rules chose, those that were tracked already included.';
comment on column raw.discoveries.problems is 'Rule to what went wrong with it.';

create function raw.not_found_streak(p_event_id bigint) returns integer
language sql stable parallel safe
set search_path = ''
as $$
    select count(*)::integer
    from raw.scrape_failures as f
    where
        f.event_id = p_event_id
        and f.kind = 'not_found'
        and f.attempted_at > coalesce(
            (select h.captured_at from raw.heads as h where h.event_id = p_event_id), '-infinity'
        )
        -- A body that was refused for what it says still says that the event is there.
        and f.attempted_at > coalesce(
            (
                select max(there.attempted_at)
                from raw.scrape_failures as there
                where there.event_id = p_event_id and there.http_status = 200 and there.kind <> 'blocked'
            ),
            '-infinity'
        );
$$;
comment on function raw.not_found_streak is
'How often in a row the marketplace has answered 404 when it was asked for an event''s listings. Attempts that say nothing of the event (time-outs, rate limits) neither count nor end a streak.';

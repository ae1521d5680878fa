-- Problems that people have been told of, and what monitoring asks often.

set lock_timeout = '5s';

-- What failed lately is asked every minute, and attempts are kept for long: by the primary key alone it would mean
-- reading all of them. They come in order of time, so the index is written at its end.
create index if not exists scrape_failures_attempted_at_idx on raw.scrape_failures (attempted_at);

create table raw.alerts (
    alert_id bigint generated always as identity primary key,
    source text not null,
    problem text not null,
    summary text not null,
    details text[] not null default '{}',
    what_to_do text not null default '',
    opened_at timestamptz not null,
    last_seen_at timestamptz not null,
    recovered_at timestamptz,
    untold_opening text[] not null default '{}',
    untold_recovery text[] not null default '{}'
);
-- A problem is open once at most, whoever looks for it.
create unique index alerts_open_idx on raw.alerts (source, problem) where recovered_at is null;
create index alerts_untold_idx on raw.alerts (alert_id) where untold_opening <> '{}' or untold_recovery <> '{}';
comment on table raw.alerts is
'Problems of the pipeline, one row from opening to recovery, and which channels are still to be told. Written by the evaluation of alerts alone, under its lock.';
comment on column raw.alerts.source is
'Who found it: database (the checks of ingestion.health) or dagster. A source that cannot be asked neither opens nor closes anything.';
comment on column raw.alerts.problem is 'What the problem is, the same each time: the name of a check, a job, a schedule.';
comment on column raw.alerts.summary is 'The newest word on it, in one sentence with numbers.';
comment on column raw.alerts.details is 'What is concerned, a line each, the worst first.';
comment on column raw.alerts.last_seen_at is 'The newest evaluation that found it.';
comment on column raw.alerts.recovered_at is 'Since when no evaluation has found it; null while it is open.';
comment on column raw.alerts.untold_opening is 'Channels (webhook, email) that are still to be told that it opened.';
comment on column raw.alerts.untold_recovery is 'Channels that are still to be told that it is over.';

create table raw.alert_evaluations (
    is_only boolean primary key default true check (is_only),
    evaluated_at timestamptz not null,
    dagster_asked_at timestamptz,
    round_ended_at timestamptz,
    round_seconds real
);
comment on table raw.alert_evaluations is
'One row: when alerts were last evaluated, and what Dagster said then of its newest round that succeeded.';
comment on column raw.alert_evaluations.dagster_asked_at is 'When Dagster''s instance was last asked; null where it never was.';
comment on column raw.alert_evaluations.round_ended_at is 'When the newest successful round ended.';
comment on column raw.alert_evaluations.round_seconds is 'How long that round took, from its start to its end.';

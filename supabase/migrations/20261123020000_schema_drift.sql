-- Keys that the marketplace has begun to send.

create table raw.schema_drift (
    place text not null,
    key text not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    body_count bigint not null,
    event_id bigint not null,
    example text not null,
    primary key (place, key)
);
comment on table raw.schema_drift is
'Keys of listings bodies that ingestion does not know, one row each. Nothing is refused for them; whoever has looked at one adds it to the known keys, and may delete its row.';
comment on column raw.schema_drift.place is
'Where in a body: body, global[0], tickets[], groups[], sections[] or i18n.';
comment on column raw.schema_drift.first_seen_at is 'The oldest capture that had it.';
comment on column raw.schema_drift.last_seen_at is 'The newest capture that had it.';
comment on column raw.schema_drift.body_count is
'Bodies loaded with it, among the objects that were looked at: 16 of the tickets of a body, 16 of its sections. A body that is loaded twice counts twice.';
comment on column raw.schema_drift.event_id is 'The event of the first body that was loaded with it.';
comment on column raw.schema_drift.example is 'Its value there as JSON, the first 200 bytes.';

-- Alerts that wait before they are told, and channels that are given time to come back.

set lock_timeout = '5s';

alter table raw.alerts add column tell_from timestamptz;
comment on column raw.alerts.tell_from is
'Told only if it is still found then; null where it is told at once. What is over before is forgotten.';

create table raw.alert_channels (
    channel text primary key,
    failures integer not null,
    reason text not null,
    try_again_at timestamptz not null
);
comment on table raw.alert_channels is
'Channels of alerts whose last message was not delivered; a delivery deletes the row.';
comment on column raw.alert_channels.channel is 'As in raw.alerts.untold_opening: webhook or email.';
comment on column raw.alert_channels.failures is 'Attempts in a row that failed.';
comment on column raw.alert_channels.reason is 'Why the last one did, without any address.';
comment on column raw.alert_channels.try_again_at is 'Before this instant nothing is sent.';

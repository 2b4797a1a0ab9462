-- A frozen account can neither bid nor take money out; all else it may.
alter table accounts add column frozen_at timestamptz;
alter table accounts add column freeze_reason text;

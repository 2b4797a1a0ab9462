-- Notes a log that was just created, unless something is known of it already.
--
-- KEYS  1 meta
-- ARGV  1 how long it is kept, ms  2… fields of the meta, names and values
-- Reply 1, or 0 if it was there
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
for at = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
end
redis.call('HSET', KEYS[1], 'run', (string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '')
  .. (string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1

-- What one server knows of a log, in one look. Changes nothing.
--
-- KEYS  1 lease  2 meta  3 log
-- Reply {time in ms, run of the server (its run id, and the id of its line of replication, which a promotion changes), lease or '', number of the last entry or '', meta as name, value, …}
local time = redis.call('TIME')
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
return {
  string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)),
  (string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '')
  .. (string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''),
  redis.call('GET', KEYS[1]) or '',
  last[1] and string.match(last[1][1], '^%d+') or '',
  redis.call('HGETALL', KEYS[2]),
}

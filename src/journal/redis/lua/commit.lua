-- Commits a batch: all of it or nothing. Everything is compared before anything is written.
--
-- KEYS  1 lease  2 meta  3 log
-- ARGV  1 the lease of the caller, whole
--       2 3 the head that the batch builds on: number, digest
--       4 5 the head after it: number, digest
--       6 the epoch of its records
--       7 the batch, packed; empty to confirm only that the lease and the head stand
--       8 how long the lease lasts from now, ms
--       9 how long the meta is kept from now, ms
--       10 when something falls due after it, ms; empty for never
--       11 the channel to tell of it; empty to tell nobody yet
-- Reply {'committed'}                          it is in the log now
--       {'already'}                            it was in the log before: a repeated command does no harm
--       {'fenced', lease or ''}                another holder has the right
--       {'moved', number or '', digest or ''}  the log does not end where the batch builds on
--       {'elsewhere'}                    this is not the server on which the log was taken over: the owner must do so anew
local lease = redis.call('GET', KEYS[1])
if lease ~= ARGV[1] then
  return {'fenced', lease or ''}
end
local head = redis.call('HMGET', KEYS[2], 'seq', 'digest', 'run')
local confirms = ARGV[7] == ''
if not confirms and head[1] == ARGV[4] and head[2] == ARGV[5] then
  return {'already'}
end
if head[1] ~= ARGV[2] or head[2] ~= ARGV[3] then
  return {'moved', head[1] or '', head[2] or ''}
end
local line = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''
if line ~= '' and string.sub(head[3] or '', -#line) ~= line then
  return {'elsewhere'}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

if not confirms then
  redis.call('XADD', KEYS[3], ARGV[4] .. '-0', 'b', ARGV[7])
  redis.call('PERSIST', KEYS[3])
  redis.call('HSET', KEYS[2], 'seq', ARGV[4], 'digest', ARGV[5], 'record_epoch', ARGV[6], 'due_at', ARGV[10])
end
redis.call('HSET', KEYS[2], 'alive_at', string.format('%.0f', now))
-- Whoever commits has accounted for the time in which nobody could.
redis.call('HDEL', KEYS[2], 'silent_since')
redis.call('PEXPIRE', KEYS[1], ARGV[8])
redis.call('PEXPIRE', KEYS[2], ARGV[9])
if ARGV[11] ~= '' and not confirms then
  redis.pcall('PUBLISH', ARGV[11], 'C' .. ARGV[7])
end
return {'committed'}

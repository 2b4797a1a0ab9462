-- Notes up to where a log is archived, unless more is noted already, and lets go of entries that are not needed here.
--
-- KEYS  1 meta  2 log
-- ARGV  1 the number of the last archived record  2 entries whose records all lie at or before this number may go; empty
--       for none
-- Reply the number of entries that went, or -1 if there is no such log here
if redis.call('HEXISTS', KEYS[1], 'log') == 0 then
  return -1
end
local before = tonumber(redis.call('HGET', KEYS[1], 'archived') or 0)
if before < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'archived', ARGV[1])
end
if ARGV[2] == '' then
  return 0
end
return redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f', tonumber(ARGV[2]) + 1) .. '-0')

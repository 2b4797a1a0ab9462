-- Keeps a snapshot in place of the one before, for as long as the meta is kept.
--
-- KEYS  1 meta  2 snapshot
-- ARGV  1 number  2 digest  3 body
-- Reply 1, or 0 if there is no such log
local left = redis.call('PTTL', KEYS[1])
if left == -2 then
  return 0
end
redis.call('HSET', KEYS[2], 'seq', ARGV[1], 'digest', ARGV[2], 'body', ARGV[3])
if left > 0 then
  redis.call('PEXPIRE', KEYS[2], left)
end
return 1

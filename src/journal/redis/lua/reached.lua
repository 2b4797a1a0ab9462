-- Notes that the log is as safe as it must be up to a record, and tells of the batch that ends there.
--
-- KEYS  1 lease  2 meta
-- ARGV  1 the lease of the caller, whole
--       2 3 the head up to which it is safe: number, digest
--       4 the channel  5 the batch, packed; empty to tell nobody
-- Reply 1, or 0 if another holder has the right
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local settled = redis.call('HGET', KEYS[2], 'settled')
if not settled or tonumber(settled) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], 'settled', ARGV[2], 'settled_digest', ARGV[3])
end
if ARGV[5] ~= '' then
  redis.pcall('PUBLISH', ARGV[4], 'C' .. ARGV[5])
end
return 1

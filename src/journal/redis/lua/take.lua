-- Makes a log ready for the holder of the lease: writes its meta, and its entries where they change.
--
-- KEYS  1 lease  2 meta  3 log  4 snapshot
-- ARGV  1 the lease of the caller, whole
--       2 the run of the server that the caller looked at
--       3 how long the meta is kept from now, ms
--       4 5 the head that the meta had when the caller looked: number, digest; both empty if there was none
--       6 'keep' the entries there are, or 'replace' them
--       7 the number of fields of the meta that follow, names and values counted apart
--       8… those fields
--       then the entries: number of the last record, packed records, and so on
-- Reply 'taken', 'fenced', or 'changed' if the server or the log is not as it was: then nothing was written
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 'fenced'
end
local head = redis.call('HMGET', KEYS[2], 'seq', 'digest')
local run = (string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '')
  .. (string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or '')
if run ~= ARGV[2] or (head[1] or '') ~= ARGV[4] or (head[2] or '') ~= ARGV[5] then
  return 'changed'
end

local count = tonumber(ARGV[7])
local first = 8 + count
if ARGV[6] == 'replace' then
  redis.call('DEL', KEYS[3])
end
for at = first, #ARGV, 2 do
  redis.call('XADD', KEYS[3], ARGV[at] .. '-0', 'b', ARGV[at + 1])
end
for at = 8, first - 1, 2 do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
end
redis.call('PERSIST', KEYS[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('PEXPIRE', KEYS[4], ARGV[3])
return 'taken'

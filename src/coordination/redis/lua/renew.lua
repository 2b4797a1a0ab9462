-- Renews a right and tells the followers where the log ends.
-- KEYS: lease, meta. ARGV: lease, life of the lease (ms), life of meta (ms), channel of the news.
-- Gives 'renewed', 'gone' if nobody has the right (it is never made again here), or 'fenced' if another has it.
local held = redis.call('GET', KEYS[1])
if not held then
  return 'gone'
end
if held ~= ARGV[1] then
  return 'fenced'
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
redis.call('HSET', KEYS[2], 'alive_at', now)
redis.call('PEXPIRE', KEYS[2], ARGV[3])
-- What is committed and not as safe as it must be is nobody's news yet.
local head = redis.call('HMGET', KEYS[2], 'seq', 'digest', 'ack', 'settled', 'settled_digest')
if head[3] == 'replica' or head[3] == 'sql' then
  head = {head[4], head[5]}
end
if head[1] and head[2] then
  local digest = head[2]
  if #digest == 32 then
    digest = string.gsub(digest, '.', function(byte) return string.format('%02x', string.byte(byte)) end)
  end
  redis.pcall('PUBLISH', ARGV[4], 'A' .. ARGV[1] .. ' ' .. head[1] .. ' ' .. digest)
end
return 'renewed'

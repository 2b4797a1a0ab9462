-- Gives a right back in good order and tells the followers. There is no silence after it, so alive_at and silent_since go.
-- KEYS: lease, meta. ARGV: lease, channel of the news. Gives 1, or 0 if the right is no longer this one.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[2], 'released', '1')
redis.call('HDEL', KEYS[2], 'alive_at', 'silent_since')
redis.pcall('PUBLISH', ARGV[2], 'R')
return 1

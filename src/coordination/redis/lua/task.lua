-- Takes or keeps a task that one node is enough for. KEYS: task. ARGV: who, for how long (ms). Gives 1, or 0 if another
-- does it.
local who = redis.call('GET', KEYS[1])
if who and who ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1

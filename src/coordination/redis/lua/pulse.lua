-- Notes that a node is alive. KEYS: pulse. ARGV: the longest time between two pulses that is none to speak of (ms), life
-- of the note (ms). Gives {from, until} in ms if no node was alive for longer, else nothing.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local before = tonumber(redis.call('GET', KEYS[1]) or '')
redis.call('SET', KEYS[1], string.format('%.0f', now), 'PX', ARGV[2])
if before and now - before > tonumber(ARGV[1]) then
  return {before, now}
end
return {}

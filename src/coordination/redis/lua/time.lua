-- Gives the time of the server that has the key, in milliseconds. KEYS: any.
local time = redis.call('TIME')
return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

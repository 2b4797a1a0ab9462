-- Takes the right to run a room that is free or held by the same node.
-- KEYS: lease, meta. ARGV: node, floor (an epoch), nonce (16 hex digits), life of the lease (ms), life of meta (ms).
-- Gives {'held', lease} if another node has it, else {'free' | 'expired' | 'handed_over' | 'mine', new lease}.
-- Since when nobody is known to have decided bids (silent_since) is kept apart from alive_at, which renewals move on; it
-- stays until the new owner has committed something, and so accounted for it, or lets go in good order.
local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^%d+:([^:]+):') ~= ARGV[1] then
  return {'held', held}
end
local before = redis.call('HMGET', KEYS[2], 'epoch', 'released', 'alive_at')
local known = tonumber(before[1] or 0) or 0
local kind = 'free'
if held then
  kind = 'mine'
  known = math.max(known, tonumber(string.match(held, '^%d+')))
elseif before[2] == '1' then
  kind = 'handed_over'
elseif before[1] then
  kind = 'expired'
end
local epoch = string.format('%.0f', math.max(known, tonumber(ARGV[2])) + 1)
local lease = epoch .. ':' .. ARGV[1] .. ':' .. ARGV[3]
redis.call('SET', KEYS[1], lease, 'PX', ARGV[4])
redis.call('HSET', KEYS[2], 'epoch', epoch, 'released', '0')
if before[2] ~= '1' and before[3] then
  redis.call('HSETNX', KEYS[2], 'silent_since', before[3])
end
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return {kind, lease}

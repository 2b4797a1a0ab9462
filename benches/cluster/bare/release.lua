-- Gives a lock back if it is still one's own.
-- KEYS[1] the lock; ARGV[1] what one wrote into it. Answers 1 if it was given back, 0 if another has it.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0

-- What is done with a token in Redis, in one step. See shared_store.py; the file does the same in SQL.
-- KEYS[1] is a hash: data, data_turn (of whoever saved it), turn (of whoever locked last), holder, until (milliseconds).
local key, operation = KEYS[1], ARGV[1]
local LOCKED = 60000 -- milliseconds for which a lock alone is kept
local KEPT = 30 * 24 * 3600 * 1000 -- as in the file

local kind = redis.call('TYPE', key).ok
if kind ~= 'hash' and kind ~= 'none' then
    redis.call('DEL', key)
end

local function number(field)
    return tonumber(redis.call('HGET', key, field) or 0) or 0
end

if operation == 'read' then
    return {redis.call('HGET', key, 'data') or '', number('data_turn')}
end

if operation == 'write' then
    local data, turn = ARGV[2], tonumber(ARGV[3])
    if number('data_turn') <= turn then
        redis.call('HSET', key, 'data', data, 'data_turn', turn)
        redis.call('PEXPIRE', key, KEPT)
    end
    return 0
end

local holder = redis.call('HGET', key, 'holder')
if operation == 'unlock' then
    if holder == ARGV[2] then
        redis.call('HDEL', key, 'holder', 'until')
    end
    return 0
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = now + tonumber(ARGV[3])
local held_until = number('until')
if holder and holder ~= ARGV[2] and held_until > now and held_until <= ends then
    return 0
end
local turn = number('turn')
if holder ~= ARGV[2] then
    turn = math.max(turn, number('data_turn')) + 1
end
redis.call('HSET', key, 'turn', turn, 'holder', ARGV[2], 'until', string.format('%.0f', ends))
if redis.call('PTTL', key) < LOCKED then
    redis.call('PEXPIRE', key, LOCKED)
end
return turn

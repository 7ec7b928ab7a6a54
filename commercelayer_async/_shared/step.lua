-- Who may leave now: what step.py, line.py and room.py say, line by line. What is changed there is changed here.
--
-- KEYS[1]  the budget, a packed State
-- ARGV[1]  the moment in microseconds; empty for the server's own, as always but in tests
-- ARGV[2]  a packed Request
--
-- Gives the members of Answer, and 1 if what was there could not be read and was replaced.

local VERSION = 1
local SECOND = 1000000
local BEAT = 10 * SECOND
local SILENT = 3 * BEAT
local GONE = 60 * SECOND
local LATE = 50000
local FORGOTTEN = SECOND
local LOOK = 50000
local LONGEST_WAIT = 5 * SECOND
local LONGEST_LOOK = SECOND
local FIRST_PAUSE = SECOND
local LONGEST_PAUSE = 60 * SECOND
local LONGEST_ASKED = 3600 * SECOND
local ASK_AGAIN = 5 * SECOND
local STEP_UP = 20
local ASSUMED = 30
local EVENLY = 95
local AT_ONCE = 2
local TURNS = 8
local WHOLE = 1000
local MANY = 1000000000
local NEVER = 9000000000000000
local THROTTLED = 429

local floor, max, min = math.floor, math.max, math.min

local function new_state()
  return {
    version = VERSION, epoch = 0, now = 0, known = 0, limit = 0, span = 0, burst = 0, burst_span = 0, most_burst = 0,
    longest = 0, gate = 0, refusals = 0, pauses = 0, probe = '', probed = 0, paced = 0, heard = 0, foreign = {},
    average = {interactive = {}, bulk = {}}, bursts = {}, under_way = {}, waiting = {}, members = {},
  }
end

-- How many are later than a moment; they are in order.
local function since(moments, moment)
  local low, high = 1, #moments + 1
  while low < high do
    local middle = floor((low + high) / 2)
    if moments[middle] > moment then high = middle else low = middle + 1 end
  end
  return #moments - low + 1
end

local function later(moments, moment)
  local found = {}
  for index = #moments - since(moments, moment) + 1, #moments do
    found[#found + 1] = moments[index]
  end
  return found
end

local function insort(moments, at)
  table.insert(moments, #moments - since(moments, at) + 1, at)
end

local function count(table_)
  local n = 0
  for _ in pairs(table_) do n = n + 1 end
  return n
end

-- The windows as a member sees them.

local NOTHING = {interactive = {}, bulk = {}}

local function view(state, limits, type_)
  local window = state.average
  if type_ ~= '' then window = state.bursts[type_] or NOTHING end
  local all, bulk = 0, 0
  for _, one in pairs(state.under_way) do
    if type_ == '' or one.type == type_ then
      all = all + 1
      bulk = bulk + one.bulk
    end
  end
  return {
    pairs = limits, interactive = window.interactive, bulk = window.bulk,
    foreign = type_ == '' and state.foreign or {}, under_way = all - bulk, under_way_bulk = bulk,
  }
end

local function own_pairs(request)
  local averages, bursts = {}, {}
  for _, one in ipairs(request.ceilings) do
    if one[1] ~= 0 then averages[#averages + 1] = {limit = one[1], span = one[2]} end
    if one[3] ~= 0 then bursts[#bursts + 1] = {limit = one[3], span = one[4]} end
  end
  return averages, bursts
end

local function views(state, request)
  local averages, bursts = own_pairs(request)
  if state.limit ~= 0 and request.lifts_average == 0 then
    averages[#averages + 1] = {limit = state.limit, span = state.span}
  end
  if state.burst ~= 0 and request.lifts_burst == 0 then
    bursts[#bursts + 1] = {limit = state.burst, span = state.burst_span}
  end
  if state.known == 0 and request.concurrent ~= 0 and #averages == 0 then
    averages[1] = {limit = request.concurrent, span = 0}
  end
  return view(state, averages, ''), view(state, bursts, request.type)
end

local function room_in(seen, now, pair)
  return pair.limit - since(seen.interactive, now - pair.span) - since(seen.bulk, now - pair.span)
    - since(seen.foreign, now - pair.span) - seen.under_way - seen.under_way_bulk
end

local function room(seen, now)
  local found = MANY - seen.under_way - seen.under_way_bulk
  for _, pair in ipairs(seen.pairs) do found = min(found, room_in(seen, now, pair)) end
  return found
end

local function reserve(seen, now, pair)
  local lately = seen.under_way + since(seen.interactive, now - 2 * pair.span)
  if lately == 0 then return 0 end
  local ended = later(seen.interactive, now - 2 * pair.span)
  local elapsed = (ended[1] and now - ended[1] or 0) + floor(pair.span / ASSUMED)
  return min(floor(pair.limit / 2), floor(lately * pair.span / max(1, elapsed)) + 1)
end

local function room_for_bulk_in(seen, now, pair)
  return pair.limit - reserve(seen, now, pair) - since(seen.bulk, now - pair.span) - seen.under_way_bulk
end

local function room_for_bulk(seen, now)
  local found = MANY - seen.under_way_bulk
  for _, pair in ipairs(seen.pairs) do found = min(found, room_for_bulk_in(seen, now, pair)) end
  return found
end

local function gap_of(seen, now)
  local gap = 0
  for _, pair in ipairs(seen.pairs) do
    local reserved = reserve(seen, now, pair)
    if reserved ~= 0 then gap = max(gap, floor(pair.span * EVENLY / (100 * (pair.limit - reserved)))) end
  end
  return gap
end

local function fades_at(lists, now, span, n)
  local fading = {}
  for _, one in ipairs(lists) do
    for _, at in ipairs(later(one, now - span)) do fading[#fading + 1] = at end
  end
  if n > #fading then return NEVER end
  table.sort(fading)
  return fading[n] + span
end

local function room_at(seen, now, places)
  local at = 0
  for _, pair in ipairs(seen.pairs) do
    local missing = places - room_in(seen, now, pair)
    if missing > 0 then
      at = max(at, fades_at({seen.interactive, seen.bulk, seen.foreign}, now, pair.span, missing))
    end
  end
  return at
end

local function room_for_bulk_at(seen, now, places)
  local at = 0
  for _, pair in ipairs(seen.pairs) do
    local missing = places - room_for_bulk_in(seen, now, pair)
    if missing > 0 then at = max(at, fades_at({seen.bulk}, now, pair.span, missing)) end
  end
  return at
end

local function asks_again_at(state, now)
  local ours = since(state.average.interactive, now - state.span) + since(state.average.bulk, now - state.span)
  if #state.foreign == 0 or next(state.under_way) ~= nil or ours >= state.limit then return NEVER end
  return state.heard + ASK_AGAIN
end

-- What is learned.

local function learn_configured(state, request)
  if state.known == 0 and #request.documented > 0 then
    local pair = request.documented
    state.limit, state.span, state.burst, state.burst_span = pair[1], pair[2], pair[3], pair[4]
    state.most_burst = state.burst
    state.known = 1
  end
  state.longest = max(state.longest, state.span, state.burst_span)
  for _, one in ipairs(request.ceilings) do state.longest = max(state.longest, one[2], one[4]) end
end

local function fade(state, type_, bulk, at)
  local burst = state.bursts[type_]
  if not burst then
    burst = {interactive = {}, bulk = {}}
    state.bursts[type_] = burst
  end
  for _, window in ipairs({state.average, burst}) do
    insort(bulk ~= 0 and window.bulk or window.interactive, at)
  end
end

local function end_(state, id, at)
  local one = state.under_way[id]
  state.under_way[id] = nil
  if state.probe == id then state.probe = '' end
  if one then fade(state, one.type, one.bulk, at) end
  return one
end

local function trim(state, now)
  for id, one in pairs(state.under_way) do
    local member = state.members[one.member]
    if member and member.seen + SILENT <= now then end_(state, id, member.seen + BEAT) end
  end
  for name, member in pairs(state.members) do
    if member.seen + GONE <= now then state.members[name] = nil end
  end
  for key, waiter in pairs(state.waiting) do
    if waiter.due + FORGOTTEN <= now then state.waiting[key] = nil end
  end
  local oldest = now - 2 * state.longest
  local function trim_window(window)
    window.interactive = later(window.interactive, oldest)
    window.bulk = later(window.bulk, oldest)
  end
  trim_window(state.average)
  for type_, window in pairs(state.bursts) do
    trim_window(window)
    if #window.interactive == 0 and #window.bulk == 0 then state.bursts[type_] = nil end
  end
  state.foreign = later(state.foreign, now - state.span)
end

local function leave(state, now, name)
  for id, one in pairs(state.under_way) do
    if one.member == name then end_(state, id, now) end
  end
  for key in pairs(state.waiting) do
    if string.sub(key, 1, #name + 1) == name .. ' ' then state.waiting[key] = nil end
  end
  state.members[name] = nil
end

local function count_foreign(state, now, counted, began)
  local ended = since(state.average.interactive, began - state.span) + since(state.average.bulk, began - state.span)
  local foreign = counted - count(state.under_way) - ended
  if #state.foreign > 0 or foreign > 0 then state.heard = now end
  for _ = 1, foreign - #state.foreign do state.foreign[#state.foreign + 1] = now end
  while #state.foreign > max(counted - 1, 0) and state.foreign[1] < began do table.remove(state.foreign, 1) end
end

local function learn(state, now, report, one)
  local limit, span, burst, burst_span, remaining = report[1], report[2], report[3], report[4], report[5]
  if limit == 0 then
    state.known = 1
    return
  end
  if state.known == 0 or state.limit == 0 or limit <= state.limit then
    state.limit = limit
  else
    state.limit = min(limit, state.limit + max(1, floor(state.limit / STEP_UP)))
  end
  state.known = 1
  state.span, state.burst_span = span, burst_span
  state.burst = burst ~= 0 and max(1, floor(burst * state.limit / limit)) or 0
  if state.most_burst ~= 0 then state.burst = min(state.burst, state.most_burst) end
  state.longest = max(state.longest, span, burst_span)
  if remaining >= 0 and one and now - one.began <= span then
    count_foreign(state, now, limit - remaining, one.began)
  end
end

local function refuse(state, now, settled, is_news)
  if is_news then
    state.refusals = state.refusals + 1
    state.pauses = state.pauses + 1
  end
  local wait = 0
  if settled.asked >= 0 then
    wait = min(settled.asked, LONGEST_ASKED)
    state.refusals = max(1, state.refusals)
  elseif is_news then
    local bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ^ min(state.refusals - 1, 6))
    wait = floor(bound * (1000 + settled.chance) / 2000)
  end
  state.gate = max(state.gate, now + wait)
end

local function settle(state, now, settled)
  local was_probe = state.probe == settled.id
  local one = end_(state, settled.id, now - settled.ago)
  if not one then fade(state, settled.type, settled.bulk, now - settled.ago) end
  if settled.status == THROTTLED then
    refuse(state, now, settled, one ~= nil and one.pauses == state.pauses)
  elseif was_probe and settled.status ~= 0 then
    state.refusals = 0
  end
  if #settled.report > 0 then learn(state, now, settled.report, one) end
end

-- Who may leave.

local function claims(waiter, now)
  return now <= waiter.due + LATE and (waiter.limited == 0 or now >= waiter.due)
end

local function claim(state, now, type_, key, waiter, at)
  if waiter.type == type_ then
    return {at = at, key = key, interactive = waiter.interactive, bulk = waiter.bulk, here = true}
  end
  local burst = {}
  if state.burst ~= 0 then burst[1] = {limit = state.burst, span = state.burst_span} end
  local free = max(0, room(view(state, burst, waiter.type), now))
  local interactive = min(waiter.interactive, free)
  return {at = at, key = key, interactive = interactive, bulk = min(waiter.bulk, free - interactive), here = false}
end

local function turn_of(average, burst, members)
  local turn = 1
  for _, seen in ipairs({average, burst}) do
    for _, pair in ipairs(seen.pairs) do turn = max(turn, floor(pair.span * members / pair.limit)) end
  end
  return turn
end

local function at_of(line, since_, given)
  return since_ + min(line.longest, floor(given * line.turn / WHOLE))
end

local function still_given(line, given, since_)
  return max(0, given - floor(WHOLE * (line.now - since_) / line.turn))
end

local function line_of(state, now, request, member, mine)
  local waiting = {}
  for key, waiter in pairs(state.waiting) do
    if claims(waiter, now) then waiting[#waiting + 1] = key end
  end
  local average, burst = views(state, request)
  local line = {
    now = now, longest = state.longest, turn = turn_of(average, burst, 1 + #waiting),
    key = request.member .. ' ' .. request.type, claims = {}, interactive = 0, interactive_here = 0,
  }
  if mine then
    line.since, line.given = mine.since, mine.given
  else
    line.since, line.given = now, still_given(line, member.given, member.served)
  end
  for _, key in ipairs(waiting) do
    local waiter = state.waiting[key]
    local one = claim(state, now, request.type, key, waiter, at_of(line, waiter.since, waiter.given))
    line.claims[#line.claims + 1] = one
    line.interactive = line.interactive + one.interactive
    if one.here then line.interactive_here = line.interactive_here + one.interactive end
  end
  return line
end

local function go_back(line, places)
  local given = still_given(line, line.given, line.since) + places * WHOLE
  line.since, line.given = line.now, min(given, TURNS * WHOLE)
end

local function ahead_of(line, number, bulk)
  local at = at_of(line, line.since, line.given)
  if number > 0 then at = max(line.now, at) + number * line.turn end
  local ahead, here = 0, 0
  for _, one in ipairs(line.claims) do
    if one.at < at or (one.at == at and one.key < line.key) then
      local past = at - max(line.now, one.at)
      if one.key > line.key then past = past - 1 end
      local places = min(bulk and one.bulk or one.interactive, 1 + max(0, floor(past / line.turn)))
      ahead = ahead + places
      if one.here then here = here + places end
    end
  end
  return ahead, here
end

local function dealt(line, wanted, free, here, bulk, after)
  local low, high = 0, max(0, min(wanted, free, here))
  while low < high do
    local middle = floor((low + high) / 2)
    local ahead, ahead_here = ahead_of(line, after + middle, bulk)
    if middle + ahead >= free or middle + ahead_here >= here then high = middle else low = middle + 1 end
  end
  return low
end

local function grant_probe(state, now, request)
  local average, burst = views(state, request)
  local free = min(1, room(average, now), room(burst, now))
  if free <= 0 or now < state.gate or state.probe ~= '' then return 0, 0 end
  if request.interactive > 0 then return 1, 0 end
  return 0, 1
end

local function grant_dealt(state, now, request, line)
  local average, burst = views(state, request)
  local free, here = room(average, now), room(burst, now)
  if free <= 0 and asks_again_at(state, now) <= now then free = 1 end
  local granted = dealt(line, request.interactive, free, here, false, 0)
  free = free - request.interactive - line.interactive
  here = here - request.interactive - line.interactive_here
  local gap = gap_of(average, now)
  local paced = max(state.paced, now - AT_ONCE * gap)
  local evenly = MANY
  if gap > 0 then evenly = floor((now - paced) / gap) end
  free = min(free, room_for_bulk(average, now), evenly)
  here = min(here, room_for_bulk(burst, now))
  local granted_bulk = dealt(line, request.bulk, free, here, true, granted)
  if granted_bulk > 0 then state.paced = paced + granted_bulk * gap end
  return granted, granted_bulk
end

local function wait_of(state, now, request, line, bulk)
  if state.refusals > 0 and now < state.gate then return min(state.gate - now, LONGEST_WAIT) end
  local ahead, here = ahead_of(line, 0, bulk)
  if bulk then
    ahead = ahead + line.interactive
    here = here + line.interactive_here
  end
  local look = min(LOOK * (1 + ahead), LONGEST_LOOK)
  if state.refusals > 0 then return min(max(look, now - state.probed), LONGEST_LOOK) end
  local average, burst = views(state, request)
  local at = room_at(average, now, 1 + ahead)
  if room(average, now) <= 0 then at = min(at, asks_again_at(state, now)) end
  at = max(at, room_at(burst, now, 1 + here))
  if bulk then
    at = max(at, room_for_bulk_at(average, now, 1 + ahead), room_for_bulk_at(burst, now, 1 + here))
    local gap = gap_of(average, now)
    if gap > 0 then at = max(at, state.paced + gap * (1 + ahead)) end
  end
  if at <= now or at == NEVER then at = now + look end
  return max(1, min(at, now + LONGEST_WAIT) - now)
end

local function grant(state, now, request, member)
  local key = request.member .. ' ' .. request.type
  local mine = state.waiting[key]
  state.waiting[key] = nil
  if request.interactive == 0 and request.bulk == 0 then return 0, 0, 0 end
  local line = line_of(state, now, request, member, mine)
  local granted, granted_bulk
  if state.refusals > 0 then
    granted, granted_bulk = grant_probe(state, now, request)
  else
    granted, granted_bulk = grant_dealt(state, now, request, line)
  end
  for index = 1, granted + granted_bulk do
    local id = string.format('%s.%d.%d', request.member, request.number, index)
    state.under_way[id] = {
      member = request.member, type = request.type, bulk = index > granted and 1 or 0, began = now, pauses = state.pauses,
    }
    if state.refusals > 0 then state.probe, state.probed = id, now end
  end
  if granted > 0 or granted_bulk > 0 then
    go_back(line, granted + granted_bulk)
    member.served, member.given = line.since, line.given
  end
  local left, left_bulk = request.interactive - granted, request.bulk - granted_bulk
  if left == 0 and left_bulk == 0 then return granted, granted_bulk, 0 end
  local wait = wait_of(state, now, request, line, left == 0)
  local waiter = {
    type = request.type, since = line.since, given = line.given, due = now + wait, interactive = left, bulk = left_bulk,
    limited = 0,
  }
  local averages, bursts = own_pairs(request)
  if room(view(state, averages, ''), now) <= 0 or room(view(state, bursts, request.type), now) <= 0 then
    waiter.limited = 1
  end
  state.waiting[key] = waiter
  return granted, granted_bulk, wait
end

local function answer(state, now, request, interactive, bulk, wait)
  local average = views(state, request)
  local waiting = 0
  local own = request.member .. ' '
  for key, one in pairs(state.waiting) do
    if string.sub(key, 1, #own) ~= own then waiting = waiting + one.interactive + one.bulk end
  end
  return {
    interactive, bulk, wait, state.epoch, now - state.epoch, max(1, count(state.members)), state.known, state.limit,
    state.span, state.burst, state.burst_span, max(0, room(average, now)),
    state.refusals > 0 and max(0, state.gate - now) or 0, waiting,
  }
end

local function step(state, now, request)
  now = max(now, state.now)
  state.now = now
  if state.epoch == 0 then state.epoch = now end
  local member = state.members[request.member]
  if member and member.number == request.number then return member.answer end
  if member and member.number > request.number then return answer(state, now, request, 0, 0, 0) end
  if request.epoch ~= 0 and request.epoch ~= state.epoch then return answer(state, now, request, 0, 0, 0) end
  learn_configured(state, request)
  trim(state, now)
  for _, held in ipairs(request.held) do
    if not state.under_way[held.id] then
      state.under_way[held.id] = {
        member = request.member, type = held.type, bulk = held.bulk, began = now, pauses = state.pauses,
      }
    end
  end
  for _, settled in ipairs(request.settled) do settle(state, now, settled) end
  if request.paused ~= 0 then
    state.refusals = max(1, state.refusals)
    state.gate = max(state.gate, now + request.paused)
  end
  for _, id in ipairs(request.released) do
    if state.under_way[id] and state.probe == id then state.probe = '' end
    state.under_way[id] = nil
  end
  if request.leaves ~= 0 then
    leave(state, now, request.member)
    return answer(state, now, request, 0, 0, 0)
  end
  member = state.members[request.member]
  if not member then
    member = {answer = {}, served = 0, given = 0}
    state.members[request.member] = member
  end
  member.seen, member.number = now, request.number
  member.answer = answer(state, now, request, grant(state, now, request, member))
  return member.answer
end

-- The state is read, changed and written in one go. What cannot be read is replaced.

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * SECOND + tonumber(time[2])
end
local request = cmsgpack.unpack(ARGV[2])
local replaced = 0
local state = new_state()
local packed = redis.pcall('GET', KEYS[1])
if type(packed) == 'string' then
  local readable, found = pcall(cmsgpack.unpack, packed)
  if readable and type(found) == 'table' and type(found.version) == 'number' then
    if found.version ~= VERSION then
      return redis.error_reply('COMMERCELAYER version')
    end
    state = found
  else
    replaced = 1
  end
elseif packed then
  replaced = 1
end
local made, given = pcall(step, state, now, request)
if not made then
  state, replaced = new_state(), 1
  given = step(state, now, request)
end
redis.call('SET', KEYS[1], cmsgpack.pack(state), 'PX', string.format('%d', floor(2 * state.longest / 1000) + 120000))
local reply = {}
for index = 1, 14 do reply[index] = given[index] end
reply[15] = replaced
return reply

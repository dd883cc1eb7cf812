import { createHash } from "node:crypto";

/** A Lua script: one command to Redis, carried out while nothing else is. */
export interface Script {
  readonly source: string;
  /** What `EVALSHA` knows it by. */
  readonly sha: string;
}

/**
 * How a record is kept: one hash. `c` holds the format and nine columns, divided by spaces (`-` is null),
 * `v` the verifier, `s` the subject where there is one, and `.name` the bytes of each field.
 */
export const format = "1";

/** The columns in `c`, after the format, in this order. */
export const columnOrder = [
  "epoch",
  "revision",
  "ticketAt",
  "createdAt",
  "authenticatedAt",
  "lastSeenAt",
  "idleTimeout",
  "absoluteDeadline",
  "permanent",
] as const;

/** How many arguments a script gives to one command; Lua's stack takes a few thousand. An even number: names with values. */
const most = 1000;

/**
 * Begins every script that writes: what comes later than its caller has waited (ARGV[1], by the
 * server's clock) is not done. It may have lain in a queue, or before a server that stood still.
 */
const inTime = `
local clock = redis.call('TIME')
local time = clock[1] * 1000 + math.floor(clock[2] / 1000)
if time > tonumber(ARGV[1]) then return {'late', time} end
local key = KEYS[1]
local whole = function(number) return string.format('%.0f', math.min(number, 1e14)) end
`;

/**
 * ARGV: deadline, life in ms, then the hash's fields and values in turn.
 * Answers created, taken or late.
 */
export const create: Script = script(`${inTime}
if redis.call('EXISTS', key) == 1 then return {'taken', time} end
if tonumber(ARGV[2]) < 1 then return {'created', time} end
for at = 3, #ARGV, ${most} do redis.call('HSET', key, unpack(ARGV, at, math.min(at + ${most - 1}, #ARGV))) end
redis.call('PEXPIRE', key, whole(tonumber(ARGV[2])))
return {'created', time}
`);

/**
 * The rules of \`applyPatch\` in the core, on the record itself. ARGV, where "" stands for "not given":
 *
 *  1 deadline, 2 now, 3 epoch, 4 verifier expected, 5 "=" and the subject that the id was added to the
 *  index of, 6 until when, 7 verifier, 8 subject ("-" for none, or "=" and the name), 9 the other columns
 *  but the revision, divided by spaces ("=" for those that stay), 10 to 13 how many fields to expect, retain
 *  (-1: all), remove and set, 14 the limits: bytes, fields, the revision counted at and the prefix, divided by
 *  spaces, 15 of which fields only the newest stay: how many, and the prefix; then these as they are named in the
 *  hash: names with "-" for none or "=" and the bytes, names, names, names with bytes.
 *
 * Answers applied (revision, removed), conflict (the hash), full (which limit), gone, late, unreadable, or index:
 * the id has to be in the index of this subject until this deadline first.
 *
 * `life` ends a millisecond early, since Redis keeps a key through the one that it is given, and a record is gone in it.
 *
 * Names are compared byte by byte, since Lua itself goes by the server's locale, and two servers may differ.
 *
 * At maxmemory Redis refuses a script's first write if it could take memory, and no later one. So what
 * sets no fields (`setting == 0`) begins with one that takes none, and a logout goes through; anything else is
 * refused, since it begins with an HSET.
 */
export const patch: Script = script(`${inTime}
local now = tonumber(ARGV[2])
local held = redis.call('HMGET', key, 'c', 'v', 's')
if not held[1] then return {'gone', time} end
local c = {string.match(held[1], '^(%S+)${" (%S+)".repeat(columnOrder.length)}$')}
if c[1] ~= '${format}' then return {'unreadable', time} end
local ends = function() return math.min(c[7] + c[8], tonumber(c[9])) end
if c[2] ~= ARGV[3] or ends() <= now then return {'gone', time} end

local at = 16
local conflict = ARGV[4] ~= '' and ARGV[4] ~= held[2]
for _ = 1, tonumber(ARGV[10]) do
  local bytes = redis.call('HGET', key, ARGV[at])
  if (bytes and '=' .. bytes or '-') ~= ARGV[at + 1] then conflict = true end
  at = at + 2
end
if conflict then return {'conflict', time, redis.call('HGETALL', key)} end

local setting = tonumber(ARGV[13])
local most_bytes, most_fields, counted, prefix = string.match(ARGV[14], '^(%d+) (%d+) (%S+) (.*)$')
if prefix and counted ~= c[3] then
  local sizes, had_bytes, had_fields = {}, 0, 0
  for _, name in ipairs(redis.call('HKEYS', key)) do
    if string.sub(name, 1, #prefix) == prefix then
      sizes[name] = #name - 1 + redis.call('HSTRLEN', key, name)
      had_bytes, had_fields = had_bytes + sizes[name], had_fields + 1
    end
  end
  local retaining, place = tonumber(ARGV[11]), at
  if retaining >= 0 then
    local kept = {}
    for _ = 1, retaining do
      kept[ARGV[place]] = sizes[ARGV[place]]
      place = place + 1
    end
    sizes = kept
  end
  for _ = 1, tonumber(ARGV[12]) do
    sizes[ARGV[place]] = nil
    place = place + 1
  end
  for _ = 1, setting do
    local name = ARGV[place]
    if string.sub(name, 1, #prefix) == prefix then sizes[name] = #name - 1 + #ARGV[place + 1] end
    place = place + 2
  end
  local bytes, fields = 0, 0
  for _, size in pairs(sizes) do bytes, fields = bytes + size, fields + 1 end
  if bytes > tonumber(most_bytes) and bytes > had_bytes then return {'full', time, 'bytes'} end
  if fields > tonumber(most_fields) and fields > had_fields then return {'full', time, 'fields'} end
end

local before = tonumber(c[9])
local column = 2
for word in string.gmatch(ARGV[9], '%S+') do
  if word ~= '=' then c[column] = word end
  column = math.max(column + 1, 4)
end
c[3] = whole(c[3] + 1)
local owner = held[3] and '=' .. held[3] or '-'
local heir = ARGV[8] ~= '' and ARGV[8] or owner
if heir ~= '-' and (heir ~= owner or tonumber(c[9]) > before)
  and (heir ~= ARGV[5] or tonumber(ARGV[6]) < tonumber(c[9])) then
  return {'index', time, string.sub(heir, 2), c[9]}
end

local life = math.ceil(ends() - now) - 1
local removed = {}
local columns = table.concat(c, ' ')
if setting == 0 then redis.call('PEXPIRE', key, whole(math.max(life, 1)))
elseif ARGV[11] ~= '-1' or ARGV[12] ~= '0' then redis.call('HSET', key, 'c', columns) end
if tonumber(ARGV[11]) >= 0 then
  local kept = {}
  for _ = 1, tonumber(ARGV[11]) do
    kept[ARGV[at]] = true
    at = at + 1
  end
  for _, name in ipairs(redis.call('HKEYS', key)) do
    if string.sub(name, 1, 1) == '.' and not kept[name] then redis.call('HDEL', key, name) end
  end
end
for _ = 1, tonumber(ARGV[12]) do
  if redis.call('HDEL', key, ARGV[at]) == 1 then removed[#removed + 1] = ARGV[at] end
  at = at + 1
end
local last = at + 2 * setting - 1
repeat
  redis.call('HSET', key, 'c', columns, unpack(ARGV, at, math.min(at + ${most - 1}, last)))
  at = at + ${most}
until at > last
if ARGV[15] ~= '' then
  local count, kind = string.match(ARGV[15], '^(%d+) (.*)$')
  local names = {}
  for _, name in ipairs(redis.call('HKEYS', key)) do
    if string.sub(name, 1, #kind) == kind then names[#names + 1] = name end
  end
  if #names > tonumber(count) then
    table.sort(names, function(one, other)
      for place = 1, math.min(#one, #other) do
        local left, right = string.byte(one, place), string.byte(other, place)
        if left ~= right then return left < right end
      end
      return #one < #other
    end)
    for place = 1, #names - count do
      redis.call('HDEL', key, names[place])
      removed[#removed + 1] = names[place]
    end
  end
end
if ARGV[7] ~= '' then redis.call('HSET', key, 'v', ARGV[7]) end
if ARGV[8] == '-' then redis.call('HDEL', key, 's')
elseif ARGV[8] ~= '' then redis.call('HSET', key, 's', string.sub(ARGV[8], 2)) end
if ARGV[9] ~= '' then
  if life > 0 then redis.call('PEXPIRE', key, whole(life)) else redis.call('DEL', key) end
end
return {'applied', time, c[3], removed}
`);

/**
 * Adds an id to the index of a subject, with the server's time, and lets the index live long enough.
 * ARGV: deadline, life in ms, id. Answers added (how many ids there are) or late.
 */
export const addToIndex: Script = script(`${inTime}
redis.call('HSET', key, ARGV[3], whole(time))
redis.call('PEXPIRE', key, whole(math.max(redis.call('PTTL', key), tonumber(ARGV[2]))))
return {'added', time, redis.call('HLEN', key)}
`);

/**
 * Takes ids out of the index of a subject, unless they were added again since they were seen, or lately:
 * their record may be about to be written. ARGV: deadline, age in ms, then ids with the times seen.
 */
export const healIndex: Script = script(`${inTime}
local healed = 0
for at = 3, #ARGV, 2 do
  local added = redis.call('HGET', key, ARGV[at])
  if added == ARGV[at + 1] and time - added > tonumber(ARGV[2]) then
    healed = healed + redis.call('HDEL', key, ARGV[at])
  end
end
return {'healed', time, healed}
`);

function script(source: string): Script {
  const text = source.trim();
  return { source: text, sha: createHash("sha1").update(text).digest("hex") };
}

import { createHash } from "node:crypto";

/** A Lua script, which Redis runs atomically. */
export interface Script {
  readonly source: string;
  /** The SHA-1 of the source, for `EVALSHA`. */
  readonly sha: string;
}

/**
 * A record is stored as one hash. `c` holds the format and nine columns, separated by spaces (`-` is null),
 * `v` the verifier, `s` the subject if there is one, and `.name` the bytes of each field.
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

/** The most arguments that a script passes to one command: Lua's stack holds a few thousand. Even, for name-value pairs. */
const most = 1000;

/**
 * Begins every script that writes: refuses a command that arrives after its deadline (ARGV[1], by the
 * server's clock). It may have waited in a queue, or for a server that was paused.
 */
const inTime = `
local clock = redis.call('TIME')
local time = clock[1] * 1000 + math.floor(clock[2] / 1000)
if time > tonumber(ARGV[1]) then return {'late', time} end
local key = KEYS[1]
local whole = function(number) return string.format('%.0f', math.min(number, 1e14)) end
`;

/**
 * ARGV: deadline, life in ms, then the hash's alternating fields and values.
 * Returns created, taken or late.
 */
export const create: Script = script(`${inTime}
if redis.call('EXISTS', key) == 1 then return {'taken', time} end
if tonumber(ARGV[2]) < 1 then return {'created', time} end
for at = 3, #ARGV, ${most} do redis.call('HSET', key, unpack(ARGV, at, math.min(at + ${most - 1}, #ARGV))) end
redis.call('PEXPIRE', key, whole(tonumber(ARGV[2])))
return {'created', time}
`);

/**
 * Applies a patch in Redis by the same rules as `applyPatch`. ARGV, with "" for "not given":
 *
 *  1 deadline, 2 now, 3 epoch, 4 expected verifier, 5 "=" and the subject whose index already has the id,
 *  6 until when, 7 verifier, 8 subject ("-" for none, or "=" and the name), 9 the other columns except the
 *  revision, separated by spaces ("=" for unchanged ones), 10 to 13 the number of fields to expect, retain
 *  (-1: all), remove and set, 14 the limits: bytes, fields, the revision counted at and the prefix, separated
 *  by spaces, 15 how many of the newest fields with a prefix to keep: the number and the prefix. Then the fields
 *  themselves, named as in the hash: expected names, each with "-" for absent or "=" and the bytes; names to
 *  retain; names to remove; names to set, each with its bytes.
 *
 * Returns applied (revision, removed), conflict (the hash), full (which limit), gone, late, unreadable, or index
 * (subject, deadline): the id must first be added to that subject's index until that deadline.
 *
 * `life` is a millisecond short, since Redis keeps a key through its last millisecond, and a record has expired by then.
 *
 * Names are compared byte by byte, since Lua compares by the server's locale, and two servers may differ.
 *
 * At maxmemory, Redis refuses a script's first write if it could take memory, but no later one. So a patch that
 * sets no fields (`setting == 0`) begins with a write that takes none, which lets logouts through. Any other patch
 * is refused, since it begins with an HSET.
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
 * Adds an id to a subject's index, with the server's time, and extends the life of the index if needed.
 * ARGV: deadline, life in ms, id. Returns added (the number of ids) or late.
 */
export const addToIndex: Script = script(`${inTime}
redis.call('HSET', key, ARGV[3], whole(time))
redis.call('PEXPIRE', key, whole(math.max(redis.call('PTTL', key), tonumber(ARGV[2]))))
return {'added', time, redis.call('HLEN', key)}
`);

/**
 * Removes ids from a subject's index, unless they were added recently or again since they were seen: their
 * record may be about to be written. ARGV: deadline, age in ms, then ids, each with the time seen.
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

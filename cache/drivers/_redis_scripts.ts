// What is decided in one step, in Lua. Each declares every key it touches, and all keys of one call
// lie in one slot.

/** A script. */
export interface RedisScript {
  /** Left out: the first argument says. */
  readonly numberOfKeys?: number;
  readonly lua: string;
  /** Texts of its answer are bytes. */
  readonly givesBytes?: boolean;
}

// A key is absent, or has exactly the bytes that were seen. KEYS[1]; ARGV[1] "1" when something was
// seen, ARGV[2] what. A list and the like reads as no bytes, which no value is, and is replaced as
// such.
const SEEN = `
local now = redis.pcall('GET', KEYS[1])
if type(now) == 'table' then
  if not string.find(now.err, 'WRONGTYPE', 1, true) then return now end
  now = ''
end
local same = (ARGV[1] == '1' and now == ARGV[2]) or (ARGV[1] == '0' and not now)
`;

const STORE = (key: string, value: string, ttl: string): string => `
if ${ttl} == '' then redis.call('SET', ${key}, ${value})
else redis.call('SET', ${key}, ${value}, 'PX', ${ttl}) end
`;

/** Names of the scripts. */
export type ScriptName =
  | "cqiStore"
  | "cqiSwap"
  | "cqiAdd"
  | "cqiAcquire"
  | "cqiRenew"
  | "cqiRelease"
  | "cqiSettle";

/** Scripts by name. */
export const SCRIPTS: Readonly<Record<ScriptName, RedisScript>> = {
  // KEYS keys; ARGV for each value, milliseconds or "".
  cqiStore: {
    lua: `
for i, key in ipairs(KEYS) do
  local value, ttl = ARGV[2 * i - 1], ARGV[2 * i]
  ${STORE("key", "value", "ttl")}
end
return 1`,
  },
  // KEYS key, lease; ARGV has expected, expected, has value, value, milliseconds or "".
  cqiSwap: {
    numberOfKeys: 2,
    lua: `${SEEN}
if not same then return 0 end
if ARGV[3] == '0' then redis.call('DEL', KEYS[1], KEYS[2]) return 1 end
${STORE("KEYS[1]", "ARGV[4]", "ARGV[5]")}
return 1`,
  },
  // KEYS key; ARGV step, milliseconds or "". A number as text keeps every digit.
  cqiAdd: {
    numberOfKeys: 1,
    lua: `
local old = redis.call('GET', KEYS[1])
local text = old or '0'
if #text > 17 or not string.match(text, '^%-?%d+$') then
  return redis.error_reply('CONFLICT no whole number')
end
local sum = tonumber(text) + tonumber(ARGV[1])
if sum > 9007199254740991 or sum < -9007199254740991 then
  return redis.error_reply('CONFLICT beyond 2^53')
end
if old then redis.call('INCRBY', KEYS[1], ARGV[1])
else ${STORE("KEYS[1]", "ARGV[1]", "ARGV[2]")} end
return string.format('%.0f', sum)`,
  },
  // KEYS key, lease; ARGV has seen, seen, milliseconds, "1" for one who has waited.
  // Gives the value found, 1 held, 2 open, or the token in a list.
  cqiAcquire: {
    numberOfKeys: 2,
    givesBytes: true,
    lua: `${SEEN}
if now and not same then return now end
local lease = redis.call('GET', KEYS[2])
if lease and lease ~= '-' then return 1 end
if lease and ARGV[4] == '1' then return 2 end
local time = redis.call('TIME')
local token = time[1] .. string.format('%06d', tonumber(time[2]))
redis.call('SET', KEYS[2], token, 'PX', ARGV[3])
return {token}`,
  },
  // KEYS lease; ARGV token, milliseconds.
  cqiRenew: {
    numberOfKeys: 1,
    lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`,
  },
  // KEYS lease; ARGV token, milliseconds.
  cqiRelease: {
    numberOfKeys: 1,
    lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], '-', 'PX', ARGV[2])
return 1`,
  },
  // KEYS key, lease; ARGV has seen, seen, token, value, milliseconds or "". What is gone by now has
  // come to its end: a deletion would have taken the lease too.
  cqiSettle: {
    numberOfKeys: 2,
    lua: `
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
${SEEN}
redis.call('DEL', KEYS[2])
if now and not same then return 0 end
${STORE("KEYS[1]", "ARGV[4]", "ARGV[5]")}
return 1`,
  },
};

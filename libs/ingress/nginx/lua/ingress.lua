-- What nginx cannot be told by configuration: which endpoint a request goes to. Backends come as text (nginx/backends-text.ts), by a
-- file at the start and by a POST afterwards, and are used from the next request on, without a reload.
local balancer = require "ngx.balancer"

local M = {}
local shared = ngx.shared.backends
local metrics = ngx.shared.metrics

local state = { version = -1, backends = {}, canaries = {} }
local tries_max = 100

local function split(line)
  local fields, from = {}, 1
  while true do
    local tab = line:find("\t", from, true)
    fields[#fields + 1] = line:sub(from, tab and tab - 1 or nil)
    if not tab then return fields end
    from = tab + 1
  end
end

-- Takes over the text; a backend that stays keeps its place in the round.
local function parse(text, version)
  local backends, canaries, current = {}, {}, nil
  for line in text:gmatch("[^\n]+") do
    local f = split(line)
    if f[1] == "backend" then
      local old = state.backends[f[2]]
      current = { name = f[2], peers = {}, keys = {}, turn = old and old.turn or math.random(0, 1000) }
      backends[f[2]] = current
    elseif f[1] == "peer" then
      local key = ngx.md5(current.name .. " " .. f[2] .. " " .. f[3])
      local peer = { host = f[2], port = tonumber(f[3]), key = key, id = f[2] .. ":" .. f[3] }
      current.peers[#current.peers + 1] = peer
      current.keys[key] = peer
    elseif f[1] == "canary" then
      canaries[f[2]] = {
        backend = f[3], header = f[4], value = f[5], pattern = f[6], cookie = f[7],
        weight = tonumber(f[8]), total = tonumber(f[9]), sticky = f[10] == "1",
      }
    end
  end
  state = { version = version, backends = backends, canaries = canaries }
end

local function current()
  local version = shared:get("version") or 0
  if version ~= state.version then parse(shared:get("text") or "", version) end
  return state
end

-- At the start: what the controller has left in the file.
function M.load(path)
  local file = io.open(path, "r")
  local text = file and file:read("*a") or ""
  if file then file:close() end
  shared:set("text", text)
  shared:incr("version", 1, 0)
end

function M.init_worker()
  math.randomseed(ngx.now() * 1000 + ngx.worker.pid())
  current()
end

-- POST /backends: the whole text, at once.
function M.update()
  ngx.req.read_body()
  local text = ngx.req.get_body_data()
  local path = not text and ngx.req.get_body_file()
  if path then
    local file = io.open(path, "r")
    text = file:read("*a")
    file:close()
  end
  local ok, err = shared:safe_set("text", text or "")
  if not ok then
    ngx.status = 507
    ngx.say(err)
    return
  end
  shared:incr("version", 1, 0)
  ngx.say("ok")
end

local function cookie(name)
  return ngx.var["cookie_" .. name]
end

-- Whether the request goes to the canary of its location.
local function canary_wanted(s, canary, main)
  local other = s.backends[canary.backend]
  if not other or #other.peers == 0 then return false end
  if not main or #main.peers == 0 then return true end
  local name = ngx.var.affinity_cookie
  if name ~= "" and canary.sticky then
    local key = cookie(name)
    if key and main.keys[key] then return false end
    if key and other.keys[key] then return true end
  end
  if canary.header ~= "" then
    local header = ngx.req.get_headers()[canary.header]
    if type(header) == "table" then header = header[1] end
    if header then
      if canary.value ~= "" then
        if header == canary.value then return true end
      elseif canary.pattern ~= "" then
        if ngx.re.find(header, canary.pattern, "jo") then return true end
      elseif header == "always" then return true
      elseif header == "never" then return false
      end
    end
  end
  if canary.cookie ~= "" then
    local value = cookie(canary.cookie)
    if value == "always" then return true end
    if value == "never" then return false end
  end
  return canary.weight > 0 and math.random(canary.total) <= canary.weight
end

local function allowed_origin(origin, list)
  for one in list:gmatch("[^,]+") do
    if one == "*" then return "*" end
    if one == origin then return origin end
    local scheme, rest = one:match("^(%a+://)%*(%..+)$")
    if scheme and origin:sub(1, #scheme) == scheme and #origin > #scheme + #rest and origin:sub(-#rest) == rest
       and not origin:sub(#scheme + 1, -#rest - 1):find("[^%w.-]") then
      return origin
    end
  end
end

-- Preflight requests are answered here; what else has an origin gets its headers in header_filter.
local function cors()
  local origins = ngx.var.cors_origins
  if origins == "" then return end
  local origin = ngx.var.http_origin
  if not origin then return end
  local allowed = allowed_origin(origin, origins)
  if not allowed then return end
  ngx.ctx.cors = allowed
  if ngx.req.get_method() ~= "OPTIONS" then return end
  ngx.header["Access-Control-Max-Age"] = ngx.var.cors_max_age
  ngx.header["Content-Type"] = "text/plain charset=UTF-8"
  ngx.header["Content-Length"] = "0"
  ngx.exit(204)
end

-- Rewrite phase: decides the backend; 503 where nobody answers.
function M.route()
  cors()
  local s = current()
  local name = ngx.var.proxy_upstream_name
  local backend = s.backends[name]
  local canary = s.canaries[ngx.var.location_id]
  if canary and canary_wanted(s, canary, backend) then
    backend = s.backends[canary.backend]
    ngx.var.proxy_alternative_upstream_name = canary.backend
  end
  if not backend or #backend.peers == 0 then
    backend = s.backends[ngx.var.fallback_upstream_name]
    if not backend or #backend.peers == 0 then return ngx.exit(503) end
    ngx.var.proxy_upstream_name = backend.name
  end
  ngx.ctx.backend = backend
end

local function next_peer(backend, tried)
  local count = #backend.peers
  for _ = 1, count do
    backend.turn = (backend.turn + 1) % count
    local peer = backend.peers[backend.turn + 1]
    if not tried[peer.id] then return peer end
  end
  backend.turn = (backend.turn + 1) % count
  return backend.peers[backend.turn + 1]
end

local function hashed_peer(backend, key, tried)
  -- The highest of all hashes: who leaves takes only his own requests with him.
  local best, best_hash
  for _, peer in ipairs(backend.peers) do
    if not tried[peer.id] then
      local hash = ngx.crc32_long(peer.id .. key)
      if not best or hash > best_hash then best, best_hash = peer, hash end
    end
  end
  return best or next_peer(backend, {})
end

local function set_cookie(name, peer)
  local v = ngx.var
  local parts = { name .. "=" .. peer.key, "Path=" .. v.affinity_path }
  if v.affinity_domain ~= "" then parts[#parts + 1] = "Domain=" .. v.affinity_domain end
  if v.affinity_expires ~= "" then
    parts[#parts + 1] = "Expires=" .. ngx.cookie_time(ngx.time() + tonumber(v.affinity_expires))
  end
  if v.affinity_max_age ~= "" then parts[#parts + 1] = "Max-Age=" .. v.affinity_max_age end
  if v.https == "on" or v.affinity_secure == "1" then parts[#parts + 1] = "Secure" end
  parts[#parts + 1] = "HttpOnly"
  if v.affinity_samesite ~= "" then parts[#parts + 1] = "SameSite=" .. v.affinity_samesite end
  ngx.header["Set-Cookie"] = table.concat(parts, "; ")
end

-- Balancer phase: once for each endpoint that is tried.
function M.balance()
  local ctx = ngx.ctx
  local backend = ctx.backend
  if not backend then return ngx.exit(503) end
  local tried = ctx.tried
  local first = tried == nil
  if first then
    tried = {}
    ctx.tried = tried
    local more = math.min(tries_max, math.max(1, #backend.peers - 1))
    balancer.set_more_tries(more)
  end
  local peer
  local name = ngx.var.affinity_cookie
  local hash_by = ngx.var.upstream_hash_by
  if name ~= "" then
    local mine = backend.keys[cookie(name) or ""]
    if mine and not tried[mine.id] then
      peer = mine
    else
      peer = next_peer(backend, tried)
      if not mine or ngx.var.affinity_change == "1" then set_cookie(name, peer) end
    end
  elseif hash_by ~= "" then
    peer = hashed_peer(backend, hash_by, tried)
  else
    peer = next_peer(backend, tried)
  end
  tried[peer.id] = true
  local ok, err = balancer.set_current_peer(peer.host, peer.port)
  if not ok then
    ngx.log(ngx.ERR, "peer ", peer.id, ": ", err)
    return ngx.exit(502)
  end
end

-- POST /drain: for so many seconds (0: no longer) clients are asked to end their connections after the answer. A reload closes kept connections, and
-- a request that is on its way in that instant would be lost.
function M.drain()
  local seconds = tonumber(ngx.var.arg_seconds) or 0
  if seconds > 0 then shared:set("drain", true, seconds) else shared:delete("drain") end
  ngx.say("ok")
end

function M.header_filter()
  if shared:get("drain") and ngx.req.http_version() == 1.1 and ngx.status ~= 101 then
    ngx.header["Connection"] = "close"
  end
  local allowed = ngx.ctx.cors
  if not allowed then return end
  local v = ngx.var
  ngx.header["Access-Control-Allow-Origin"] = allowed
  if allowed ~= "*" then ngx.header["Vary"] = "Origin" end
  if v.cors_credentials == "1" then ngx.header["Access-Control-Allow-Credentials"] = "true" end
  ngx.header["Access-Control-Allow-Methods"] = v.cors_methods
  ngx.header["Access-Control-Allow-Headers"] = v.cors_headers
  if v.cors_expose ~= "" then ngx.header["Access-Control-Expose-Headers"] = v.cors_expose end
end

local seconds = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 }
local bytes = { 10, 100, 1000, 10000, 100000, 1000000, 10000000 }
local methods = { GET = 1, HEAD = 1, POST = 1, PUT = 1, DELETE = 1, PATCH = 1, OPTIONS = 1, CONNECT = 1, TRACE = 1 }

-- The keys of one set of labels, made once: to put them together for every request costs more than to count.
local known, known_count, known_max = {}, 0, 4096

local function histogram(name, labels, bounds)
  local keys = { bounds = bounds, sum = name .. "\tsum" .. labels }
  for index, bound in ipairs(bounds) do keys[index] = name .. "\t" .. tostring(bound) .. labels end
  keys[#bounds + 1] = name .. "\t+Inf" .. labels
  return keys
end

local function keys_of(labels)
  local keys = known[labels]
  if keys then return keys end
  if known_count >= known_max then known, known_count = {}, 0 end
  keys = {
    requests = "requests\t" .. labels,
    request_time = histogram("request_duration_seconds", labels, seconds),
    response_time = histogram("response_duration_seconds", labels, seconds),
    request_length = histogram("request_size", labels, bytes),
    bytes_sent = histogram("response_size", labels, bytes),
  }
  known[labels] = keys
  known_count = known_count + 1
  return keys
end

local function observe(keys, value)
  if not value then return end
  local bounds, slot = keys.bounds, 1
  while bounds[slot] and value > bounds[slot] do slot = slot + 1 end
  metrics:incr(keys[slot], 1, 0)
  metrics:incr(keys.sum, value, 0)
end

-- Log phase: counts, by the identity of the location; the controller knows what it stands for.
function M.log()
  local v = ngx.var
  local id = v.location_id
  if not id or id == "" then return end
  local method = v.request_method
  if not methods[method] then method = "OTHER" end
  local keys = keys_of("\t" .. id .. "\t" .. method .. "\t" .. v.status .. "\t" .. (v.proxy_alternative_upstream_name or ""))
  metrics:incr(keys.requests, 1, 0)
  observe(keys.request_time, tonumber(v.request_time))
  observe(keys.response_time, tonumber(v.upstream_response_time))
  observe(keys.request_length, tonumber(v.request_length))
  observe(keys.bytes_sent, tonumber(v.bytes_sent))
end

-- GET /metrics: one line a figure; the controller gives them their form.
function M.metrics()
  for _, key in ipairs(metrics:get_keys(0)) do
    local value = metrics:get(key)
    if value then ngx.say(key, "\t", value) end
  end
end

return M

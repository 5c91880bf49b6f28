-- Posts the files of a folder in turn, each thread from another place on.
-- wrk -s post.lua URL -- FOLDER COUNT
local requests, threads, at = {}, 0, 0

function setup(thread)
  thread:set("first", threads)
  threads = threads + 1
end

function init(args)
  local folder, count = args[1], tonumber(args[2])
  for number = 0, count - 1 do
    local file = assert(io.open(folder .. "/" .. number .. ".json", "rb"))
    wrk.headers["Content-Type"] = "application/json"
    requests[number + 1] = wrk.format("POST", nil, nil, file:read("*a"))
    file:close()
  end
  at = math.floor(count / 2) * first
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    "MEASURED {\"requests\": %d, \"microseconds\": %d, \"p50\": %d, \"p95\": %d, \"p99\": %d, \"errors\": %d}\n",
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

-- Sends signed bodies from a file, one a line, the signature's 64 digits first. It starts over at the end of the file.

local bodies
local headers = { ["Content-Type"] = "application/json", ["X-Cal-Webhook-Version"] = "2021-10-20" }

function init(arguments)
   bodies = assert(io.open(arguments[1], "rb"))
end

function request()
   local line = bodies:read("*l")
   if not line then
      bodies:seek("set")
      line = bodies:read("*l")
   end
   headers["X-Cal-Signature-256"] = line:sub(1, 64)
   return wrk.format("POST", nil, headers, line:sub(65))
end

function done(summary, latency)
   local errors = summary.errors
   print(string.format(
      '{"answered": %d, "errors": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f}',
      summary.requests,
      errors.connect + errors.read + errors.write + errors.timeout + errors.status,
      summary.duration / 1e6,
      latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3
   ))
end

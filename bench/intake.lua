-- Each request carries one alert that no other request carries, in the form in which Alertmanager sends it.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  run = args[1]
  sent = 0
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

local before = [[{"receiver":"kubernaut","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"KubePodCrashLooping","namespace":"shop","pod":"checkout-7d4b9c5f6-]]
local after = [[","container":"checkout","severity":"warning","reason":"CrashLoopBackOff","uid":"0b6d7d2e-54a2-4f0e-9d6a-6a1f3b0c9e11"},"annotations":{"description":"Pod is waiting to start (CrashLoopBackOff).","summary":"Pod is crash looping.","runbook_url":"https://runbooks.example.org/kubernetes/kubepodcrashlooping"},"startsAt":"2026-03-04T12:00:00.123456789Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example.org/graph","fingerprint":"8c4b1f1d2a3e4f50"}],"groupLabels":{"namespace":"shop"},"commonLabels":{"namespace":"shop"},"commonAnnotations":{},"externalURL":"http://alertmanager.example.org","version":"4","groupKey":"{}:{namespace=\"shop\"}","truncatedAlerts":0}]]

function request()
  sent = sent + 1
  return wrk.format(nil, nil, nil, before .. run .. "-" .. number .. "-" .. sent .. after)
end

function response(status, headers, body)
  if status == 202 then accepted = (accepted or 0) + 1 end
end

local all = {}
local base_setup = setup
function setup(thread)
  base_setup(thread)
  table.insert(all, thread)
end

function done(summary, latency, requests)
  local accepted = 0
  for _, thread in ipairs(all) do accepted = accepted + (thread:get("accepted") or 0) end
  io.write(string.format(
    '\nRESULT {"accepted":%d,"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"errors":%d}\n',
    accepted, summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout))
end

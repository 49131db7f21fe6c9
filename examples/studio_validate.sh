#!/bin/sh
# A definition judged, a scanner made, run and deleted, with nothing but curl.
#
#     CLIENT_LOGIN=700001 CLIENT_PASSWORD=… sh examples/studio_validate.sh
set -eu
base="${CLIENT_URL:-http://127.0.0.1:8080}"
api="$base/api/studio/v1"
call() { curl --fail --silent --show-error --header "Authorization: Bearer ${token:-}" "$@"; echo; }

signed=$(call "$base/client/sign/in" --data "{\"login\": $CLIENT_LOGIN, \"password\": \"$CLIENT_PASSWORD\"}")
token=$(echo "$signed" | sed 's/.*"__token":"\([^"]*\)".*/\1/')

# What is wrong is told with its place; what is right is told in words.
call "$api/strategies/validate" --data '{"definition": {"rules": [{"when": {"above": ["close", "top"]},
    "do": [{"open": "long"}]}]}}'
call "$api/strategies/validate" --data '{"definition": {"rules": [{"when": {"above": ["close", "1.1"]},
    "do": [{"open": "long"}]}]}}'

made=$(call "$api/scanners" --data '{"name": "hammers", "pattern_type": "CDLHAMMER", "timeframe": "1m",
    "universe": ["EURUSD", "GBPUSD"]}')
echo "$made"
id=$(echo "$made" | sed 's/^{"id":\([0-9]*\).*/\1/')
call "$api/scanners/$id/run" --request POST
call "$api/scanners/$id" --request DELETE

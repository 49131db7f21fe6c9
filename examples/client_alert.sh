#!/bin/sh
# A price alert from its making to its end, and a setting, with nothing but curl.
#
#     CLIENT_LOGIN=700001 CLIENT_PASSWORD=… sh examples/client_alert.sh
set -eu
api="${CLIENT_URL:-http://127.0.0.1:8080}/client"
call() { curl --fail --silent --show-error --header "Authorization: Bearer ${token:-}" "$@"; echo; }

signed=$(call "$api/sign/in" --data "{\"login\": $CLIENT_LOGIN, \"password\": \"$CLIENT_PASSWORD\"}")
token=$(echo "$signed" | sed 's/.*"__token":"\([^"]*\)".*/\1/')

# Tell me once when the bid of EURUSD crosses 2.5 on its way up.
made=$(call "$api/price_alert" --request PUT --data '{"symbol": "EURUSD", "side": 0, "condition": 0,
    "repeat_mode": 0, "target_price": 2.5, "message": "EURUSD doubled"}')
echo "$made"
id=$(echo "$made" | sed 's/.*\[\[\([0-9]*\)\]\].*/\1/')

call "$api/price_alert" --data "{\"id\": $id, \"target_price\": 2.6}"
call "$api/price_alert/list" --get --data symbol=EURUSD
call "$api/price_alert/$id" --request DELETE

call "$api/settings" --request PUT --data '{"key": "theme", "value": "dark"}'
call "$api/settings" --get --data key=theme
call "$api/sign/out" --request DELETE

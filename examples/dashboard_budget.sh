#!/bin/sh
# A program's strategy with a budget, halted and set free again, with nothing but curl.
#
#     sh examples/dashboard_budget.sh      (DASHBOARD_TOKEN=op_… where the door is not open)
set -eu
api="${DASHBOARD_URL:-http://127.0.0.1:8080}/api"
call() {
    curl --fail --silent --show-error ${DASHBOARD_TOKEN:+--header "Authorization: Bearer $DASHBOARD_TOKEN"} "$@"
    echo
}

made=$(call "$api/trading/strategies" --data '{"name": "Robot", "strategy_id": "Robot-'"$$"'",
    "account_id": "700100", "instrument_id": "EURUSD.SIM"}')
echo "$made"
id=$(echo "$made" | sed 's/^{"id":"\([^"]*\)".*/\1/')

call "$api/budget/$id/USD" --request PUT --data '{"allocated": 1000}'
call "$api/trading/strategies/$id/state" --request PUT --data '{"state": "HALTED", "reason": "an example"}'
call "$api/trading/strategies/$id/state" --request PUT --data '{"state": "NORMAL"}'
call "$api/budget/$id"

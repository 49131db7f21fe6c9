#!/bin/sh
# A pending order from its placing to its end, with nothing but curl.
#
#     TERMINAL_KEY=tk_test_… sh examples/terminal_pending.sh
set -eu
api="${TERMINAL_URL:-http://127.0.0.1:8080}/v1/api"
call() { curl --fail --silent --show-error --header "Authorization: Bearer $TERMINAL_KEY" "$@"; echo; }

call "$api/quotes/EURUSD"

# Far below the market, so that it rests; sent again under its client_order_id it would change nothing.
placed=$(call "$api/orders" --data '{"symbol": "EURUSD", "type": "buy_limit", "volume": 0.1, "price": 0.9,
    "client_order_id": "example-'"$$"'"}')
echo "$placed"
ticket=$(echo "$placed" | sed 's/.*"ticket":\([0-9]*\).*/\1/')

call "$api/orders/$ticket" --request PUT --data '{"price": 0.91, "sl": 0.9}'
call "$api/orders/$ticket" --request DELETE
call "$api/orders/$ticket"

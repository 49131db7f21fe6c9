#!/bin/sh
# One order from its preview to its end, sent twice and explained, with nothing but curl.
#
#     sh examples/gateway_order.sh      (GATEWAY_KEY=gw_… for another account than the open one)
set -eu
api="${GATEWAY_URL:-http://127.0.0.1:8080}/v1"
call() {
    curl --fail --silent --show-error ${GATEWAY_KEY:+--header "Authorization: Bearer $GATEWAY_KEY"} \
        --header "Content-Type: application/json" "$@"
    echo
}

# Far below the market, so that it rests.
wish='{"symbol": "AAPL", "side": "buy", "quantity": "1", "order_type": "limit", "limit_price": "50",
    "client_order_id": "example-'"$$"'"}'
call "$api/orders/preview" --data "$wish"
placed=$(call "$api/orders" --data "$wish")
echo "$placed"
# The same again is the same order.
call "$api/orders" --data "$wish"
id=$(echo "$placed" | sed 's/.*"id":"\(ord_[0-9]*\)".*/\1/')

call "$api/orders/$id" --request PATCH --data '{"limit_price": "51"}'
call "$api/orders/$id" --request DELETE
call "$api/orders/$id/explain"

"""The wishes, each as the three doors have it: requests as they are sent, or why a door has none.

In paths and bodies `{n}` is the number of the first order of the account, `{m}` of its second; a text that is nothing else
becomes the number itself. EURUSD is at 1.08700 / 1.08710, and 0.10 lots of it are 10,000 units, 10 hundredths.
"""

from tests.contracts.asks import Ask, Not, Quote, Wish, order, pending, resting, ticket, trade

BUY = "buy at market"
BRACKET = "buy with stop loss and take profit"
LIMIT = "buy limit"
LIMIT_BRACKET = "buy limit with exits"
ONCE = {"Idempotency-Key": "once"}
FILL = "OrderAccepted OrderFilled PositionOpened"
CLOSE = "OrderAccepted OrderFilled PositionClosed BalanceChanged"
LEGS = "OrderAccepted OrderAccepted"
# What an order at market does to a netting position.
GROWN = "OrderAccepted OrderFilled PositionChanged"
REDUCED = "OrderAccepted OrderFilled PositionChanged BalanceChanged"
TURNED = "OrderAccepted OrderFilled PositionClosed PositionOpened BalanceChanged"
OF_TICKETS = "stop-limit and trailing orders are the gateway's alone"

OPENING = (
    Wish(BUY, order(), ticket(), trade(), FILL),
    Wish("sell at market", order(side="SELL"), ticket(cmd=1), trade(action="sell"), FILL),
    Wish(
        "sell what was bought",
        order(side="SELL"),
        ticket(cmd=1),
        trade(action="sell"),
        FILL,
        after=(BUY,),
        netting=CLOSE,
    ),
    Wish("buy once more", order(), ticket(), trade(), FILL, after=(BUY,), netting=GROWN),
    Wish(
        "sell a part of what was bought",
        order(side="SELL", quantity="4000"),
        ticket(cmd=1, volume=4),
        trade(action="sell", volume=0.04),
        FILL,
        after=(BUY,),
        netting=REDUCED,
    ),
    Wish(
        "sell more than was bought",
        order(side="SELL", quantity="15000"),
        ticket(cmd=1, volume=15),
        trade(action="sell", volume=0.15),
        FILL,
        after=(BUY,),
        netting=TURNED,
    ),
    Wish(
        "sell more than was bought, both with exits",
        order(side="SELL", quantity="15000", stop_loss="1.095", take_profit="1.08"),
        ticket(cmd=1, volume=15, sl=1.095, tp=1.08),
        trade(action="sell", volume=0.15, sl=1.095, tp=1.08),
        f"{FILL} {LEGS}",
        after=(BRACKET,),
        netting=f"{TURNED} {LEGS} OrderCancelled OrderCancelled",
    ),
    Wish(
        "sell a part of what has exits",
        order(side="SELL", quantity="4000"),
        ticket(cmd=1, volume=4),
        trade(action="sell", volume=0.04),
        FILL,
        after=(BRACKET,),
        netting=f"{REDUCED} OrderAmended OrderAmended",
    ),
    Wish(
        BRACKET,
        order(stop_loss="1.08", take_profit="1.095"),
        ticket(sl=1.08, tp=1.095),
        trade(sl=1.08, tp=1.095),
        f"{FILL} {LEGS}",
    ),
    Wish(
        "sell with stop loss and take profit",
        order(side="SELL", stop_loss="1.095", take_profit="1.08"),
        ticket(cmd=1, sl=1.095, tp=1.08),
        trade(action="sell", sl=1.095, tp=1.08),
        f"{FILL} {LEGS}",
    ),
    Wish(
        "buy with a stop loss that is then reached over a gap",
        order(stop_loss="1.08"),
        ticket(sl=1.08),
        trade(sl=1.08),
        f"{FILL} OrderAccepted OrderTriggered OrderFilled PositionClosed BalanceChanged",
        then=(Quote("1.07900", "1.07910"),),
    ),
    Wish(
        "buy with exits, and the take profit is reached",
        order(stop_loss="1.08", take_profit="1.095"),
        ticket(sl=1.08, tp=1.095),
        trade(sl=1.08, tp=1.095),
        f"{FILL} {LEGS} OrderFilled PositionClosed BalanceChanged OrderCancelled",
        then=(Quote("1.09600", "1.09610"),),
    ),
)

PENDING = (
    Wish(
        LIMIT,
        order(order_type="LIMIT", limit_price="1.08"),
        pending(2, 1.08),
        resting(2, 1.08),
        "OrderAccepted",
    ),
    Wish(
        "sell limit",
        order(side="SELL", order_type="LIMIT", limit_price="1.095"),
        pending(3, 1.095),
        resting(3, 1.095),
        "OrderAccepted",
    ),
    Wish(
        "buy stop",
        order(order_type="STOP", stop_price="1.095"),
        pending(4, 1.095),
        resting(4, 1.095),
        "OrderAccepted",
    ),
    Wish(
        "sell stop",
        order(side="SELL", order_type="STOP", stop_price="1.08"),
        pending(5, 1.08),
        resting(5, 1.08),
        "OrderAccepted",
    ),
    Wish(
        LIMIT_BRACKET,
        order(order_type="LIMIT", limit_price="1.08", stop_loss="1.075", take_profit="1.09"),
        pending(2, 1.08, sl=1.075, tp=1.09),
        resting(2, 1.08, sl=1.075, tp=1.09),
        "OrderAccepted",
    ),
    Wish(
        "buy limit with exits, and the market comes",
        order(order_type="LIMIT", limit_price="1.08", stop_loss="1.075", take_profit="1.09"),
        pending(2, 1.08, sl=1.075, tp=1.09),
        resting(2, 1.08, sl=1.075, tp=1.09),
        "OrderAccepted OrderFilled PositionOpened OrderAccepted OrderAccepted",
        then=(Quote("1.07980", "1.07990"),),
    ),
    Wish(
        "buy stop, and the market comes",
        order(order_type="STOP", stop_price="1.095"),
        pending(4, 1.095),
        resting(4, 1.095),
        "OrderAccepted OrderTriggered OrderFilled PositionOpened",
        then=(Quote("1.09600", "1.09610"),),
    ),
    Wish(
        "sell limit, and the market comes to what was bought",
        order(side="SELL", order_type="LIMIT", limit_price="1.095"),
        pending(3, 1.095),
        resting(3, 1.095),
        "OrderAccepted OrderFilled PositionOpened",
        after=(BUY,),
        then=(Quote("1.09600", "1.09610"),),
        netting="OrderAccepted OrderFilled PositionClosed BalanceChanged",
    ),
    Wish(
        "stop-limit",
        order(order_type="STOP_LIMIT", stop_price="1.095", limit_price="1.096"),
        Not(OF_TICKETS),
        Not(OF_TICKETS),
        "OrderAccepted",
    ),
    Wish(
        "trailing stop",
        order(side="SELL", order_type="TRAILING_STOP", trailing_distance="0.005", trailing_type="ABSOLUTE"),
        Not(OF_TICKETS),
        Not(OF_TICKETS),
        "OrderAccepted",
    ),
    Wish(
        "a pending order until an hour",
        Not("the gateway has no field for an expiry"),
        pending(2, 1.08, expiration=1_750_003_600),
        resting(2, 1.08, expiration=1_750_003_600_000),
        "OrderAccepted",
    ),
)

CHANGING = (
    Wish(
        "move both exits",
        Ask("PATCH", "/positions/pos_{n}", {"stop_loss": "1.081", "take_profit": "1.094"}),
        Ask("PUT", "/trade/modify/open", {"order": "{n}", "sl": 1.081, "tp": 1.094}),
        Ask("PUT", "/positions/{n}", {"sl": 1.081, "tp": 1.094}),
        "OrderAmended OrderAmended",
        after=(BRACKET,),
    ),
    Wish(
        "move the stop loss alone",
        Ask("PATCH", "/positions/pos_{n}", {"stop_loss": "1.081"}),
        Ask("PUT", "/trade/modify", {"order": "{n}", "sl": 1.081}),
        Ask("PUT", "/trade/modify", {"ticket": "{n}", "sl": 1.081}),
        "OrderAmended",
        after=(BRACKET,),
    ),
    Wish(
        "give exits to a position that has none",
        Not("the gateway moves exits that rest; where there is none it says EXIT_LEG_MISSING"),
        Ask("PUT", "/trade/modify/open", {"order": "{n}", "sl": 1.08, "tp": 1.095}),
        Ask("PUT", "/positions/{n}", {"sl": 1.08, "tp": 1.095}),
        LEGS,
        after=(BUY,),
    ),
    Wish(
        "take the stop loss away",
        Not("null leaves an exit be at the gateway; its leg is cancelled as the order that it is"),
        Ask("PUT", "/trade/modify/open", {"order": "{n}", "sl": 0}),
        Ask("PUT", "/positions/{n}", {"sl": 0}),
        "OrderCancelled",
        after=(BRACKET,),
    ),
    Wish(
        "move a pending price",
        Ask("PATCH", "/orders/ord_{n}", {"limit_price": "1.079"}),
        Ask("PUT", "/trade/modify/pending", {"order": "{n}", "open_price": 1.079}),
        Ask("PUT", "/orders/{n}", {"price": 1.079}),
        "OrderAmended",
        after=(LIMIT,),
    ),
    Wish(
        "move price and exits of a pending order",
        Ask("PATCH", "/orders/ord_{n}", {"limit_price": "1.079", "stop_loss": "1.074", "take_profit": "1.089"}),
        Ask("PUT", "/trade/modify/pending", {"order": "{n}", "open_price": 1.079, "sl": 1.074, "tp": 1.089}),
        Ask("PUT", "/orders/{n}", {"price": 1.079, "sl": 1.074, "tp": 1.089}),
        "OrderAmended",
        after=(LIMIT_BRACKET,),
    ),
    Wish(
        "move the trigger of a pending stop",
        Ask("PATCH", "/orders/ord_{n}", {"stop_price": "1.096"}),
        Ask("PUT", "/trade/modify", {"order": "{n}", "open_price": 1.096}),
        Ask("PATCH", "/orders/{n}", {"price": 1.096}),
        "OrderAmended",
        after=("buy stop",),
    ),
)

CLOSING = (
    Wish(
        "close a part",
        Ask("DELETE", "/positions/pos_{n}", {"quantity": "4000"}),
        Ask("DELETE", "/trade/close", {"order": "{n}", "volume": 4}),
        Ask("DELETE", "/positions/{n}", {"volume": 0.04}),
        "OrderAccepted OrderFilled PositionChanged BalanceChanged",
        after=(BUY,),
    ),
    Wish(
        "close a part of what has exits",
        Ask("DELETE", "/positions/pos_{n}", {"quantity": "4000"}),
        Ask("POST", "/trade/close", {"order": "{n}", "volume": 4}),
        Ask("POST", "/positions/{n}/close", {"volume": 0.04}),
        "OrderAccepted OrderFilled PositionChanged BalanceChanged OrderAmended OrderAmended",
        after=(BRACKET,),
    ),
    Wish(
        "close the rest",
        Ask("DELETE", "/positions/pos_{n}"),
        Ask("DELETE", "/trade/close", {"order": "{n}"}),
        Ask("DELETE", "/positions/{n}"),
        CLOSE,
        after=(BUY, "close a part"),
    ),
    Wish(
        "close",
        Ask("DELETE", "/positions/pos_{n}"),
        Ask("DELETE", "/trade/close", {"order": "{n}"}),
        Ask("POST", "/trade/close", {"ticket": "{n}"}),
        CLOSE,
        after=(BUY,),
    ),
    Wish(
        "close what has exits",
        Ask("DELETE", "/positions/pos_{n}"),
        Ask("DELETE", "/trade/close", {"order": "{n}"}),
        Ask("DELETE", "/positions/{n}"),
        f"{CLOSE} OrderCancelled OrderCancelled",
        after=(BRACKET,),
    ),
    Wish(
        "close more than is open",
        Not("the gateway closes what there is"),
        Ask("DELETE", "/trade/close", {"order": "{n}", "volume": 11}),
        Ask("DELETE", "/positions/{n}", {"volume": 0.11}),
        "RequestRefused",
        after=(BUY,),
        refusal="QUANTITY_ABOVE_MAX",
    ),
    Wish(
        "cancel",
        Ask("DELETE", "/orders/ord_{n}"),
        Ask("DELETE", "/trade/cancel", {"order": "{n}"}),
        Ask("DELETE", "/orders/{n}"),
        "OrderCancelled",
        after=(LIMIT,),
    ),
    Wish(
        "close all, of one",
        Ask("DELETE", "/positions"),
        Not("a client closes ticket by ticket"),
        Ask("POST", "/trade/close-all"),
        CLOSE,
        after=(BUY, LIMIT),
    ),
    Wish(
        "close all, of two with exits",
        Ask("DELETE", "/positions"),
        Not("a client closes ticket by ticket"),
        Ask("POST", "/trade/close-all"),
        f"{CLOSE} OrderCancelled OrderCancelled {CLOSE} OrderCancelled OrderCancelled",
        after=(BRACKET, "sell with stop loss and take profit"),
        netting="",  # The second had closed the first.
        in_any_order=True,  # One command closes all at the gateway; the terminal closes one after the other.
    ),
    Wish(
        "cancel all",
        Ask("DELETE", "/orders"),
        Not("a client cancels ticket by ticket"),
        Ask("POST", "/trade/close-all", {"cancel_orders": True}),
        "OrderCancelled OrderCancelled",
        after=(LIMIT, "sell limit"),
    ),
)

REFUSED = (
    Wish(
        "more than there is money for",
        order(quantity="10000000"),
        ticket(volume=10_000),
        trade(volume=100),
        "OrderRejected",
        refusal="MARGIN_INSUFFICIENT",
    ),
    Wish(
        "a pending one for which there is no money",
        order(quantity="10000000", order_type="LIMIT", limit_price="1.08"),
        pending(2, 1.08, volume=10_000),
        resting(2, 1.08, volume=100),
        "OrderRejected",
        refusal="MARGIN_INSUFFICIENT",
    ),
    Wish(
        "more than an order may have",
        order(quantity="2000000000000"),
        ticket(volume=2_000_000_000),
        trade(volume=20_000_000),
        "OrderRejected",
        refusal="QUANTITY_ABOVE_MAX",
    ),
    Wish(
        "a volume between two steps",
        Not("the gateway takes any fraction of a unit"),
        ticket(symbol="GBPUSD", volume=15),
        trade(symbol="GBPUSD", volume=0.15),
        "OrderRejected",
        refusal="QUANTITY_STEP",
    ),
    Wish(
        "a stop loss on the wrong side",
        Not("the gateway lets an exit that is reached already do its work"),
        ticket(sl=1.09),
        trade(sl=1.09),
        "OrderRejected",
        refusal="EXITS_WRONG_SIDE",
    ),
    Wish(
        "a limit that the market has passed",
        Not("at the gateway such a limit fills at once"),
        pending(2, 1.09),
        resting(2, 1.09),
        "OrderRejected",
        refusal="PRICE_WRONG_SIDE",
    ),
    Wish(
        "a symbol without a quote",
        order(symbol="MSFT", quantity="1"),
        ticket(symbol="MSFT", volume=100),
        trade(symbol="MSFT", volume=1),
        "OrderRejected",
        refusal="QUOTE_MISSING",
    ),
    Wish(
        "a symbol nobody knows",
        order(symbol="NOPE"),
        ticket(symbol="NOPE"),
        trade(symbol="NOPE"),
        "",
    ),
    Wish(
        "an exit beyond the market, in a change",
        Not("the gateway lets an exit that is reached already do its work"),
        Ask("PUT", "/trade/modify/open", {"order": "{n}", "sl": 1.09}),
        Ask("PUT", "/positions/{n}", {"sl": 1.09}),
        "RequestRefused",
        after=(BRACKET,),
        refusal="EXITS_WRONG_SIDE",
    ),
    Wish(
        "close what was closed",
        Ask("DELETE", "/positions/pos_{n}"),
        Ask("DELETE", "/trade/close", {"order": "{n}"}),
        Ask("DELETE", "/positions/{n}"),
        "",
        after=(BUY, "close"),
    ),
    Wish(
        "cancel what filled",
        Ask("DELETE", "/orders/ord_{n}"),
        Ask("DELETE", "/trade/cancel", {"order": "{n}"}),
        Ask("DELETE", "/orders/{n}"),
        "",
        after=(BUY,),
    ),
)

NAMED = "buy under a name"
NAMED_LIMIT = "buy limit under a name"
NAMED_CLOSE = "close a part under a name"
AGAIN = (
    Wish(
        NAMED,
        order(client_order_id="once"),
        ticket()._replace(headers=ONCE),
        trade(client_order_id="once"),
        FILL,
    ),
    Wish(
        "the same again",
        order(client_order_id="once"),
        ticket()._replace(headers=ONCE),
        trade(client_order_id="once"),
        "",
        after=(NAMED,),
    ),
    Wish(
        NAMED_LIMIT,
        order(client_order_id="once", order_type="LIMIT", limit_price="1.08"),
        pending(2, 1.08)._replace(headers=ONCE),
        resting(2, 1.08)._replace(headers=ONCE),
        "OrderAccepted",
    ),
    Wish(
        "the same pending one again",
        order(client_order_id="once", order_type="LIMIT", limit_price="1.08"),
        pending(2, 1.08)._replace(headers=ONCE),
        resting(2, 1.08)._replace(headers=ONCE),
        "",
        after=(NAMED_LIMIT,),
    ),
    Wish(
        NAMED_CLOSE,
        Not("a close has no name at the gateway"),
        Ask("DELETE", "/trade/close", {"order": "{n}", "volume": 4}, ONCE),
        Ask("DELETE", "/positions/{n}", {"volume": 0.04}, ONCE),
        "OrderAccepted OrderFilled PositionChanged BalanceChanged",
        after=(BUY,),
    ),
    Wish(
        "the same part once more",
        Not("a close has no name at the gateway"),
        Ask("DELETE", "/trade/close", {"order": "{n}", "volume": 4}, ONCE),
        Ask("DELETE", "/positions/{n}", {"volume": 0.04}, ONCE),
        "",
        after=(BUY, NAMED_CLOSE),
    ),
    Wish(
        "another wish under the same name",
        order(client_order_id="once", quantity="20000"),
        Not("a key of a client replays its first answer, whatever is sent with it"),
        trade(client_order_id="once", volume=0.2),
        "RequestRefused",
        after=(NAMED,),
        refusal="IDEMPOTENCY_MISMATCH",
    ),
)

WISHES = (*OPENING, *PENDING, *CHANGING, *CLOSING, *REFUSED, *AGAIN)
BY_NAME = {wish.name: wish for wish in WISHES}

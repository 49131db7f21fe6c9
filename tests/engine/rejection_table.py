"""Every way to be told no, a row each; docs/REJECTIONS.md shows them as examples.

The market in all rows: EURUSD 1.10000 / 1.10010, AAPL 200.00 / 200.10; USD account, 100,000, leverage 20.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from tests.builders import LOGIN, MINE, TUESDAY_10H, World, a_limit, an_account, an_instrument, an_order, free, typed
from tradehall.domain.account import AccountStatus, AccountTerms
from tradehall.domain.instrument import Instrument
from tradehall.domain.order import OrderTerms
from tradehall.domain.rejection import RejectCode as Code
from tradehall.domain.rejection import Rejection
from tradehall.domain.strategy import TradingState
from tradehall.domain.time import NS_PER_HOUR
from tradehall.engine import commands as cmd

TERMS, RULES, ACCOUNT = OrderTerms.__struct_fields__, Instrument.__struct_fields__, AccountTerms.__struct_fields__


class Row(NamedTuple):
    """`rules`: of the instrument or the account; `held`: an order that was filled before (`deals` times); `wish`: the order asked for.

    `more`: what `would_pass` stands for, and the step that goes too far again.
    """

    what: str
    rules: dict[str, Any]
    held: dict[str, Any]
    wish: dict[str, Any]
    code: Code
    numbers: dict[str, str]
    more: tuple[str, str] | None = None


HEDGING = {"position_mode": "HEDGING"}
NO_QUOTE: dict[str, Any] = {"quote": None}
LONG = {"quantity": "1000"}
SHORT = {"side": "SELL", "quantity": "1000"}
SELL = {"side": "SELL"}
MONDAY_MORNING = ((0, 8 * 60),)  # Monday mornings only: closed on a Tuesday.
LATER, BEFORE = TUESDAY_10H + NS_PER_HOUR, TUESDAY_10H - NS_PER_HOUR

LIMIT = {"type": "LIMIT", "limit_price": "1.09000"}
STOP = {"type": "STOP", "stop_price": "1.11000"}
STOP_LIMIT = {"type": "STOP_LIMIT", "stop_price": "1.11000", "limit_price": "1.11100"}
TRAIL = {"type": "TRAILING_STOP", "trailing_distance": "0.001", "trailing_type": "ABSOLUTE"}
STRICT = {"is_strict": True}
CLOSES_MINE = {"strategy_id": MINE, "side": "SELL", "reduce_only": True}
# At a leverage of 20 and 200 a share, each ties 10 USD.
AAPL_24 = {"strategy_id": MINE, "symbol": "AAPL", "type": "LIMIT", "limit_price": "200", "quantity": "24"}
AAPL_82 = an_order(**AAPL_24 | {"quantity": "82"})

# Refused by the form of the wish: no order number.
SHAPE_ROWS = [
    Row("a strategy nobody registered",    {}, {}, {"strategy_id": "s-1"},                         Code.STRATEGY_UNKNOWN, {}),
    Row("a limit order without its price", {}, {}, {"type": "LIMIT"},                              Code.PRICE_MISSING, {}),
    Row("a stop order without its price",  {}, {}, {"type": "STOP"},                               Code.PRICE_MISSING, {}),
    Row("a stop-limit with one price",     {}, {}, {"type": "STOP_LIMIT", "limit_price": "1.1"},   Code.PRICE_MISSING, {}),
    Row("a stop-limit with the other",     {}, {}, {"type": "STOP_LIMIT", "stop_price": "1.1"},    Code.PRICE_MISSING, {}),
    Row("a trailing stop, no distance",    {}, {}, TRAIL | {"trailing_distance": None},            Code.PRICE_MISSING, {}),
    Row("a trailing stop, no unit",        {}, {}, TRAIL | {"trailing_type": None},                Code.PRICE_MISSING, {}),
    Row("a market order with a limit",     {}, {}, {"limit_price": "1.1"},                         Code.PRICE_NOT_ALLOWED, {"limit_price": "1.1"}),
    Row("a market order with a stop",      {}, {}, {"stop_price": "1.1"},                          Code.PRICE_NOT_ALLOWED, {"stop_price": "1.1"}),
    Row("a limit order with a stop",       {}, {}, LIMIT | {"stop_price": "1.1"},                  Code.PRICE_NOT_ALLOWED, {"stop_price": "1.1"}),
    Row("a limit order that trails",       {}, {}, LIMIT | {"trailing_distance": "1"},             Code.PRICE_NOT_ALLOWED, {"trailing_distance": "1"}),
    Row("a limit of nothing",              {}, {}, LIMIT | {"limit_price": "0"},                   Code.PRICE_NOT_POSITIVE, {"limit_price": "0"}),
    Row("a negative stop",                 {}, {}, STOP | {"stop_price": "-1"},                    Code.PRICE_NOT_POSITIVE, {"stop_price": "-1"}),
    Row("a distance of nothing",           {}, {}, TRAIL | {"trailing_distance": "0"},             Code.PRICE_NOT_POSITIVE, {"trailing_distance": "0"}),
    Row("a stop loss of nothing",          {}, {}, {"stop_loss": "0"},                             Code.PRICE_NOT_POSITIVE, {"stop_loss": "0"}),
    Row("a negative take profit",          {}, {}, {"take_profit": "-1"},                          Code.PRICE_NOT_POSITIVE, {"take_profit": "-1"}),
    Row("a leverage of nothing",           {}, {}, {"leverage": "0"},                              Code.PRICE_NOT_POSITIVE, {"leverage": "0"}),
    Row("a trail of all of the price",     {}, {}, TRAIL | {"trailing_type": "PERCENT", "trailing_distance": "100"},
                                                                                                   Code.TRAILING_INVALID, {"trailing_distance": "100"}),
    Row("an iceberg that shows all",       {}, {}, LIMIT | {"display_quantity": "10000"},          Code.DISPLAY_QUANTITY_INVALID, {"display_quantity": "10000", "quantity": "10000"}),
    Row("an iceberg that shows nothing",   {}, {}, LIMIT | {"display_quantity": "0"},              Code.DISPLAY_QUANTITY_INVALID, {"display_quantity": "0", "quantity": "10000"}),
    Row("an iceberg at market",            {}, {}, {"display_quantity": "1"},                      Code.DISPLAY_QUANTITY_INVALID, {"display_quantity": "1", "quantity": "10000"}),
    Row("GTD, but until when?",            {}, {}, LIMIT | {"time_in_force": "GTD"},               Code.TIME_IN_FORCE_INVALID, {}),
    Row("GTC, but until then",             {}, {}, LIMIT | {"expires_at": LATER},                  Code.TIME_IN_FORCE_INVALID, {}),
    Row("post-only at market",             {}, {}, {"post_only": True},                            Code.TIME_IN_FORCE_INVALID, {}),
    Row("post-only and at once",           {}, {}, LIMIT | {"post_only": True, "time_in_force": "IOC"}, Code.TIME_IN_FORCE_INVALID, {}),
    Row("until an hour ago",               {}, {}, LIMIT | {"time_in_force": "GTD", "expires_at": BEFORE},
                                                                                                   Code.EXPIRY_IN_PAST, {"expires_at": str(BEFORE)}),
]  # fmt: skip

# Refused by the rules: a REJECTED order with a number.
PLACE_ROWS = [
    Row("a disabled account",           {"status": "DISABLED"},   {}, {}, Code.ACCOUNT_DISABLED, {}),
    Row("a read-only account",          {"status": "READ_ONLY"},  {}, {}, Code.ACCOUNT_READ_ONLY, {}),
    Row("opening when closing only",    {"status": "CLOSE_ONLY"}, {}, {}, Code.ACCOUNT_CLOSE_ONLY, {"opening_quantity": "10000"}),
    Row("flipping when closing only",   {"status": "CLOSE_ONLY"}, LONG, SELL | {"quantity": "1500"}, Code.ACCOUNT_CLOSE_ONLY, {"opening_quantity": "500", "would_pass": "1000"}, ("quantity", "0.00000001")),
    Row("no room for another order",    {"orders_max": 0}, {}, {},       Code.TOO_MANY_ORDERS, {"working": "0", "orders_max": "0"}),
    Row("a position that is not there", HEDGING, {}, {"position_id": 4711}, Code.POSITION_UNKNOWN, {"position_id": "4711"}),
    Row("a position the other way",     HEDGING, LONG, {"position_id": 7300001}, Code.POSITION_SIDE, {"position_id": "7300001", "quantity": "1000"}),
    Row("cross added to isolated",      {}, LONG | {"margin_mode": "ISOLATED"}, {}, Code.MARGIN_MODE_MISMATCH, {"position_id": "7300001"}),
    Row("a position too many",          HEDGING | {"positions_max": 1}, LONG, {}, Code.TOO_MANY_POSITIONS, {"positions": "1", "positions_max": "1"}),
    Row("a hedge where none may be",    HEDGING | {"hedge_prohibited": True}, LONG, SELL, Code.HEDGE_PROHIBITED, {"position_id": "7300001"}),
    Row("the younger one first",        HEDGING | {"close_fifo": True}, LONG | {"deals": 2}, SHORT | {"position_id": 7300002}, Code.OLDER_POSITION_FIRST, {"position_id": "7300002", "oldest": "7300001"}),
    Row("a part where all has to go",   HEDGING | {"partial_close": False}, LONG, SELL | {"quantity": "999", "position_id": 7300001}, Code.PARTIAL_CLOSE_PROHIBITED, {"quantity": "999", "would_pass": "1000"}, ("quantity", "-1")),
    Row("a rest below a lot step",      HEDGING, {"quantity": "1500"}, SHORT | {"position_id": 7300001, "lot_step": "1000"}, Code.REMAINDER_TOO_SMALL, {"remainder": "500", "quantity_min": "1000", "would_pass": "1500"}, ("quantity", "-500")),
    Row("at market when it is closed",  {"sessions": MONDAY_MORNING}, {}, {}, Code.MARKET_CLOSED, {}),
    Row("IOC when it is closed",        {"sessions": MONDAY_MORNING}, {}, LIMIT | {"time_in_force": "IOC"}, Code.MARKET_CLOSED, {}),
    Row("at market without a quote",    NO_QUOTE, {}, {},          Code.QUOTE_MISSING, {}),
    Row("a trail without a quote",      NO_QUOTE, {}, TRAIL,       Code.QUOTE_MISSING, {}),
    Row("FOK without a quote",          NO_QUOTE, {}, LIMIT | {"time_in_force": "FOK"}, Code.QUOTE_MISSING, {}),
    Row("at market on an old quote",    {"quote_age_ns_max": 0}, {}, {}, Code.QUOTE_STALE, {"quote_age_ns": "1000000000", "quote_age_ns_max": "0"}),
    Row("less than nothing",            {}, {}, {"quantity": "-1"}, Code.QUANTITY_BELOW_MIN, {"quantity": "-1", "quantity_min": "0"}),
    Row("nothing",                      {}, {}, {"quantity": "0"},  Code.QUANTITY_BELOW_MIN, {"quantity": "0", "quantity_min": "0"}),
    Row("nothing, but there is a step", {"quantity_step": "0.1"}, {}, {"quantity": "0"}, Code.QUANTITY_BELOW_MIN, {"quantity": "0", "quantity_min": "0", "would_pass": "0.1"}, ("quantity", "-0.1")),
    Row("below the minimum",            {"quantity_min": "0.01"}, {}, {"quantity": "0.001"}, Code.QUANTITY_BELOW_MIN, {"quantity": "0.001", "quantity_min": "0.01", "would_pass": "0.01"}, ("quantity", "-0.001")),
    Row("a minimum between two steps",  {"quantity_min": "0.15", "quantity_step": "0.1"}, {}, {"quantity": "0.1"}, Code.QUANTITY_BELOW_MIN, {"quantity": "0.1", "quantity_min": "0.15", "would_pass": "0.2"}, ("quantity", "-0.1")),
    Row("below a lot step",             {"quantity_min": "1"}, {}, {"quantity": "0.5", "lot_step": "1000"}, Code.QUANTITY_BELOW_MIN, {"quantity": "0.5", "quantity_min": "1", "would_pass": "1000"}, ("quantity", "-1000")),
    Row("above the maximum",            {"quantity_max": "1000"}, {}, {"quantity": "1001"}, Code.QUANTITY_ABOVE_MAX, {"quantity": "1001", "quantity_max": "1000", "would_pass": "1000"}, ("quantity", "0.00000001")),
    Row("a maximum between two steps",  {"quantity_max": "1050", "quantity_step": "100"}, {}, {"quantity": "1100"}, Code.QUANTITY_ABOVE_MAX, {"quantity": "1100", "quantity_max": "1050", "would_pass": "1000"}, ("quantity", "100")),
    Row("between two steps",            {"quantity_step": "0.01"}, {}, {"quantity": "0.105"}, Code.QUANTITY_STEP, {"quantity": "0.105", "quantity_step": "0.01", "would_pass": "0.1"}, ("quantity", "0.001")),
    Row("between two lot steps",        {}, {}, {"quantity": "2500", "lot_step": "1000"}, Code.QUANTITY_STEP, {"quantity": "2500", "quantity_step": "1000", "would_pass": "2000"}, ("quantity", "1")),
    Row("no step that is big enough",   {"quantity_step": "1"}, {}, {"quantity": "0.5"}, Code.QUANTITY_STEP, {"quantity": "0.5", "quantity_step": "1"}),
    Row("a limit between two ticks",    {"enforces_tick": True}, {}, LIMIT | {"limit_price": "1.090004"}, Code.PRICE_OFF_TICK, {"limit_price": "1.090004", "tick_size": "0.00001", "would_pass": "1.09"}, ("limit_price", "0.000001")),
    Row("a stop loss between two",      {"enforces_tick": True}, {}, {"stop_loss": "1.090006"},          Code.PRICE_OFF_TICK, {"stop_loss": "1.090006", "tick_size": "0.00001", "would_pass": "1.09001"}, ("stop_loss", "-0.000001")),
    Row("less than half a tick",        {"enforces_tick": True}, {}, {"take_profit": "0.000004"},        Code.PRICE_OFF_TICK, {"take_profit": "0.000004", "tick_size": "0.00001", "would_pass": "0.00001"}, ("take_profit", "-0.000001")),
    Row("a buy limit at the ask",       {}, {}, STRICT | LIMIT | {"limit_price": "1.1001"}, Code.PRICE_WRONG_SIDE, {"price": "1.1001", "bid": "1.1", "ask": "1.1001", "would_pass": "1.10009"}, ("limit_price", "0.00001")),
    Row("a sell limit at the bid",      {}, {}, STRICT | LIMIT | SELL | {"limit_price": "1.1"}, Code.PRICE_WRONG_SIDE, {"price": "1.1", "bid": "1.1", "ask": "1.1001", "would_pass": "1.10001"}, ("limit_price", "-0.00001")),
    Row("a buy stop below the ask",     {}, {}, STRICT | STOP | {"stop_price": "1.1"}, Code.PRICE_WRONG_SIDE, {"price": "1.1", "bid": "1.1", "ask": "1.1001", "would_pass": "1.10011"}, ("stop_price", "-0.00001")),
    Row("a sell stop too near",         {"stops_level": 50}, {}, STRICT | STOP | SELL | {"stop_price": "1.0996"}, Code.PRICE_WRONG_SIDE, {"price": "1.0996", "bid": "1.1", "ask": "1.1001", "would_pass": "1.0995"}, ("stop_price", "0.00001")),
    Row("a stop loss above the bid",    {}, {}, STRICT | {"stop_loss": "1.2"}, Code.EXITS_WRONG_SIDE, {"stop_loss": "1.2", "bid": "1.1", "ask": "1.1001", "would_pass": "1.09999"}, ("stop_loss", "0.00001")),
    Row("a target below the bid",       {}, {}, STRICT | {"take_profit": "1.0"}, Code.EXITS_WRONG_SIDE, {"take_profit": "1.0", "bid": "1.1", "ask": "1.1001", "would_pass": "1.10001"}, ("take_profit", "-0.00001")),
    Row("a short's stop too near",      {"stops_level": 50}, {}, STRICT | SELL | {"stop_loss": "1.1002"}, Code.EXITS_WRONG_SIDE, {"stop_loss": "1.1002", "bid": "1.1", "ask": "1.1001", "would_pass": "1.1006"}, ("stop_loss", "-0.00001")),
    Row("measured from the limit",      {}, {}, STRICT | LIMIT | {"stop_loss": "1.095"}, Code.EXITS_WRONG_SIDE, {"stop_loss": "1.095", "bid": "1.1", "ask": "1.1001", "would_pass": "1.08999"}, ("stop_loss", "0.00001")),
    Row("the market ran away",          {}, {}, {"expected_price": "1.1000", "deviation_max": "0.00005"}, Code.PRICE_DEVIATES, {"price": "1.1001", "expected_price": "1.1", "deviation_max": "0.00005", "would_pass": "0.0001"}, ("deviation_max", "-0.00001")),
    Row("post-only at the ask",         {}, {}, LIMIT | {"limit_price": "1.1001", "post_only": True}, Code.POST_ONLY_WOULD_TAKE, {"limit_price": "1.1001", "bid": "1.1", "ask": "1.1001", "would_pass": "1.10009"}, ("limit_price", "0.00001")),
    Row("post-only sell below the bid", {}, {}, LIMIT | SELL | {"post_only": True}, Code.POST_ONLY_WOULD_TAKE, {"limit_price": "1.09", "bid": "1.1", "ask": "1.1001", "would_pass": "1.10001"}, ("limit_price", "-0.00001")),
    Row("nothing to reduce",            {}, {}, {"reduce_only": True}, Code.REDUCE_ONLY_NOTHING_TO_REDUCE, {"quantity": "10000"}),
    Row("only the other way to reduce", {}, LONG, {"reduce_only": True}, Code.REDUCE_ONLY_NOTHING_TO_REDUCE, {"quantity": "10000"}),
    Row("more leverage than allowed",   {"leverage_max": "30"}, {}, {"leverage": "31"}, Code.LEVERAGE_TOO_HIGH, {"leverage": "31", "leverage_max": "30", "would_pass": "30"}, ("leverage", "0.1")),
    Row("more than the house wants",    {"notional_max": "5500"}, {}, LIMIT | {"limit_price": "1.1"}, Code.NOTIONAL_ABOVE_MAX, {"notional": "11000", "notional_max": "5500", "would_pass": "5000"}, ("quantity", "0.00000001")),
    Row("the same, on a step",          {"notional_max": "5555", "quantity_step": "100"}, {}, LIMIT | {"limit_price": "1.1"}, Code.NOTIONAL_ABOVE_MAX, {"notional": "11000", "notional_max": "5555", "would_pass": "5000"}, ("quantity", "100")),
    Row("no way from the quotes' money",     {"quote_currency": "SEK"}, {}, {}, Code.CONVERSION_MISSING, {}),
    Row("no way from the commission's money", {"commission": free(fixed="1", currency="SEK")}, {}, {}, Code.CONVERSION_MISSING, {}),
    Row("more than is free",            {}, {}, {"quantity": "2000000"}, Code.MARGIN_INSUFFICIENT, {"required": "110010", "available": "100000", "leverage": "20", "price": "1.1001", "would_pass": "1818016.54395054"}, ("quantity", "0.00000001")),
    Row("the same, on a step",          {"quantity_step": "1000"}, {}, {"quantity": "2000000"}, Code.MARGIN_INSUFFICIENT, {"required": "110010", "available": "100000", "leverage": "20", "price": "1.1001", "would_pass": "1818000"}, ("quantity", "1000")),
    Row("the same, at its own leverage", {}, {}, {"quantity": "2000000", "leverage": "10"}, Code.MARGIN_INSUFFICIENT, {"required": "220020", "available": "100000", "leverage": "10", "price": "1.1001", "would_pass": "909008.27197527"}, ("quantity", "0.00000001")),
    Row("a flip: closing is free",      {}, {"quantity": "1000000"}, SELL | {"quantity": "3000000"}, Code.MARGIN_INSUFFICIENT, {"required": "110000", "available": "44895", "leverage": "20", "price": "1.1", "would_pass": "1816272.72727272"}, ("quantity", "0.00000001")),
    Row("not enough for any",           {"quantity_min": "2000000"}, {}, {"quantity": "2000000"}, Code.MARGIN_INSUFFICIENT, {"required": "110010", "available": "100000", "leverage": "20", "price": "1.1001"}),
]  # fmt: skip


def world_of(row: Row) -> World:
    """A world under the row's rules, where what it holds was bought when everything was still allowed."""
    rules = {name: value for name, value in row.rules.items() if name in RULES}
    account = {name: value for name, value in row.rules.items() if name in ACCOUNT}
    status = account.pop("status", None)
    has_quotes = "quote" not in row.rules
    world = World(an_instrument(), account=an_account(**account), quotes=None if has_quotes else {})
    for _ in range(row.held.get("deals", min(1, len(row.held)))):
        world.deal(**{name: value for name, value in row.held.items() if name != "deals"})
    if rules:
        world.do(cmd.ListInstrument(an_instrument(**rules)))
    if status:
        world.do(cmd.UpdateAccount(LOGIN, **typed(cmd.UpdateAccount, {"status": status})))
    world.freshen()
    return world


def ask(world: World, wish: dict[str, Any]) -> Rejection | None:
    """Place the order of a row's wish."""
    terms = {name: value for name, value in wish.items() if name in TERMS}
    return world.ask(an_order(**terms), **{name: value for name, value in wish.items() if name not in TERMS})


# Orders refused for their strategy's sake, or because trading is held back: what was done before, then the order.
Before = Callable[[World], object]
STRATEGY_ROWS: list[tuple[str, Before, dict[str, Any], Code, dict[str, str]]] = [
    # what is wrong                    before                                                             the wish                     the code               the numbers
    ("the account is halted",          lambda w: w.let("HALTED", reason="maintenance"),                   {},                          Code.TRADING_HALTED,   {}),
    ("the strategy is halted",         lambda w: w.let("HALTED", MINE),                                   {"strategy_id": MINE},       Code.TRADING_HALTED,   {}),
    ("a halt says no to reducing too", lambda w: (w.deal(strategy_id=MINE), w.let("HALTED", MINE)),       CLOSES_MINE,                 Code.TRADING_HALTED,   {}),
    ("the account may only reduce",    lambda w: w.let("REDUCE_ONLY"),                                    {},                          Code.TRADING_REDUCING, {"opening_quantity": "10000"}),
    ("the strategy may only reduce",   lambda w: w.let("REDUCE_ONLY", MINE),                              {"strategy_id": MINE},       Code.TRADING_REDUCING, {"opening_quantity": "10000"}),
    ("it may, up to its own part",     lambda w: (w.deal(strategy_id=MINE, quantity="4000"), w.deal(), w.let("REDUCE_ONLY", MINE)),
                                                                                                          SELL | {"strategy_id": MINE}, Code.TRADING_REDUCING, {"opening_quantity": "6000", "would_pass": "4000"}),
    ("too many orders in a minute",    lambda w: (w.limit_strategy(orders_max=1), w.deal(strategy_id=MINE)),
                                                                                                          {"strategy_id": MINE},       Code.ORDER_RATE_EXCEEDED, {"orders": "1", "orders_max": "1", "retry_after_ns": "58000000000"}),
    ("a position too many",            lambda w: (w.limit_strategy(positions_max=1), w.deal(strategy_id=MINE, symbol="AAPL", quantity="1")),
                                                                                                          {"strategy_id": MINE},       Code.TOO_MANY_POSITIONS, {"positions": "1", "positions_max": "1"}),
    ("another that may become one",    lambda w: (w.limit_strategy(positions_max=1), w.place(strategy_id=MINE, symbol="AAPL", quantity="1", type="LIMIT", limit_price="1")),
                                                                                                          {"strategy_id": MINE},       Code.TOO_MANY_POSITIONS, {"positions": "1", "positions_max": "1"}),
    ("no quote to size it by",         lambda w: (w.strategy(MINE, USD="1000"), w.quotes.pop("EURUSD")),  {"strategy_id": MINE},       Code.BUDGET_UNPRICED,  {}),
    ("no budget in its currency",      lambda w: w.strategy(MINE, EUR="1000"),                            {"strategy_id": MINE},       Code.BUDGET_NOT_CONFIGURED, {}),
    ("no budget where there must be",  lambda w: w.do(cmd.UpdateAccount(LOGIN, budget_required=True)),    {"strategy_id": MINE},       Code.BUDGET_NOT_CONFIGURED, {}),
    ("more than the budget has left",  lambda w: (w.strategy(MINE, USD="1000"), w.place(AAPL_82)),        AAPL_24,                     Code.BUDGET_EXCEEDED,  {"required": "240", "allocated": "1000", "reserved": "820", "available": "180", "would_pass": "18"}),
    ("not even one",                   lambda w: w.strategy(MINE, USD="0"),                               AAPL_24,                     Code.BUDGET_EXCEEDED,  {"required": "240", "allocated": "0", "reserved": "0", "available": "0"}),
    ("the part beyond flat",           lambda w: (w.strategy(MINE, USD="1000"), w.place(AAPL_82), w.fill(w.orders[0])),
                                                                                                          AAPL_24 | SELL | {"quantity": "120"}, Code.BUDGET_EXCEEDED, {"required": "380", "allocated": "1000", "reserved": "820", "available": "180", "would_pass": "100"}),
]  # fmt: skip

# Refusals of other commands than placing: what is wrong, who says it, the code and the numbers.
Wish = Callable[[World], object]
OTHER_ROWS: list[tuple[str, Wish, Code, dict[str, str]]] = [
    ("an order of nobody",             lambda w: w.ask(an_order(account_id=1)),                             Code.ACCOUNT_UNKNOWN, {}),
    ("a new status for nobody",        lambda w: w.do(cmd.UpdateAccount(1)),                                Code.ACCOUNT_UNKNOWN, {}),
    ("a deposit for nobody",           lambda w: w.do(cmd.MoveFunds(1, Decimal(5))),                        Code.ACCOUNT_UNKNOWN, {}),
    ("cancel all of nobody's",         lambda w: w.do(cmd.CancelAllOrders(1)),                              Code.ACCOUNT_UNKNOWN, {}),
    ("close all of nobody's",          lambda w: w.do(cmd.CloseAllPositions(1)),                            Code.ACCOUNT_UNKNOWN, {}),
    ("the same account again",         lambda w: w.open(an_account()),                                      Code.ACCOUNT_EXISTS, {}),
    ("a used id, another wish",        lambda w: (w.ask(an_order(client_order_id="a"), digest="1"), w.ask(an_order(client_order_id="a"), digest="2")),
                                                                                                            Code.IDEMPOTENCY_MISMATCH, {}),
    ("a symbol nobody listed",         lambda w: w.ask(an_order(symbol="XYZ")),                             Code.SYMBOL_UNKNOWN, {}),
    ("more than can be withdrawn",     lambda w: w.do(cmd.MoveFunds(LOGIN, Decimal("-100000.01"))),         Code.BALANCE_INSUFFICIENT, {"required": "100000.01", "available": "100000", "would_pass": "100000"}),
    ("cancel what never was",          lambda w: w.do(cmd.CancelOrder(LOGIN, 4711)),                        Code.ORDER_UNKNOWN, {}),
    ("cancel where one only looks",    lambda w: (o := w.place(**LIMIT), w.do(cmd.UpdateAccount(LOGIN, AccountStatus.READ_ONLY)), w.cancel(o)),
                                                                                                            Code.ACCOUNT_READ_ONLY, {}),
    ("amend what never was",           lambda w: w.do(cmd.AmendOrder(LOGIN, 4711)),                         Code.ORDER_UNKNOWN, {}),
    ("cancel what is filled",          lambda w: w.cancel(w.deal()),                                        Code.ORDER_ENDED, {}),
    ("amend what is filled",           lambda w: w.amend(w.deal(), quantity="5"),                           Code.ORDER_ENDED, {}),
    ("amend to what is filled",        lambda w: (o := w.place(a_limit("BUY", "10", "1.09")), w.fill(o, "4"), w.amend(o, quantity="4")),
                                                                                                            Code.QUANTITY_BELOW_FILLED, {"quantity": "4", "filled_quantity": "4"}),
    ("move a stop that has triggered", lambda w: (o := w.place(**STOP_LIMIT), w.trigger(o), w.amend(o, stop_price="1.12")),
                                                                                                            Code.AMEND_NOT_ALLOWED, {}),
    ("tighten a trail that triggered", lambda w: (o := w.place(**TRAIL), w.trigger(o), w.amend(o, trailing_distance="0.002")),
                                                                                                            Code.AMEND_NOT_ALLOWED, {}),
    ("close what is not open",         lambda w: w.do(cmd.ClosePosition(LOGIN, 4711)),                      Code.POSITION_UNKNOWN, {"position_id": "4711"}),
    ("exits of what is not open",      lambda w: w.do(cmd.SetPositionExits(LOGIN, 4711)),                   Code.POSITION_UNKNOWN, {"position_id": "4711"}),
    ("close more than is open",        lambda w: (w.deal(), w.do(cmd.ClosePosition(LOGIN, w.position.position_id, Decimal(10001), refuse_excess=True))),
                                                                                                            Code.QUANTITY_ABOVE_MAX, {"quantity": "10001", "quantity_max": "10000", "would_pass": "10000"}),
    ("close at less than nothing",     lambda w: (w.deal(), w.do(cmd.ClosePosition(LOGIN, w.position.position_id, limit_price=Decimal(-1)))),
                                                                                                            Code.PRICE_NOT_POSITIVE, {"limit_price": "-1"}),
    ("move a leg that is not there",   lambda w: (w.deal(), w.set_exits(w.position, stop_loss="1.09", may_create=False)),
                                                                                                            Code.EXIT_LEG_MISSING, {}),
    ("the same, of a filled entry",    lambda w: w.amend(w.deal(stop_loss="1.09"), take_profit="1.2"),      Code.EXIT_LEG_MISSING, {}),
    ("an exit of nothing",             lambda w: (w.deal(), w.set_exits(w.position, stop_loss="0")),        Code.PRICE_NOT_POSITIVE, {"stop_loss": "0"}),
    ("the same, of a filled entry",    lambda w: w.amend(w.deal(stop_loss="1.09"), stop_loss="-1"),         Code.PRICE_NOT_POSITIVE, {"stop_loss": "-1"}),
    ("a stop that would gain",         lambda w: (w.deal(), w.set_exits(w.position, stop_loss="1.2", is_strict=True)),
                                                                                                            Code.EXITS_WRONG_SIDE, {"stop_loss": "1.2", "bid": "1.1", "ask": "1.1001", "would_pass": "1.09999"}),
    ("a strategy of nobody",           lambda w: w.do(cmd.RegisterStrategy(1, MINE)),                       Code.ACCOUNT_UNKNOWN, {}),
    ("halt nobody",                    lambda w: w.do(cmd.SetTradingState(1, None, TradingState.HALTED)),   Code.ACCOUNT_UNKNOWN, {}),
    ("a budget of nobody",             lambda w: w.do(cmd.SetBudget(1, MINE, "USD", Decimal(1))),           Code.ACCOUNT_UNKNOWN, {}),
    ("a budget of no strategy",        lambda w: w.do(cmd.SetBudget(LOGIN, MINE, "USD", Decimal(1))),       Code.STRATEGY_UNKNOWN, {}),
    ("limits of no strategy",          lambda w: w.limit_strategy(),                                        Code.STRATEGY_UNKNOWN, {}),
    ("halt no strategy",               lambda w: w.let("HALTED", MINE),                                     Code.STRATEGY_UNKNOWN, {}),
    ("kill no strategy",               lambda w: w.kill(MINE),                                              Code.STRATEGY_UNKNOWN, {}),
    ("cancel all of no strategy",      lambda w: w.do(cmd.CancelAllOrders(LOGIN, strategy_id=MINE)),        Code.STRATEGY_UNKNOWN, {}),
    ("close all of no strategy",       lambda w: w.do(cmd.CloseAllPositions(LOGIN, strategy_id=MINE)),      Code.STRATEGY_UNKNOWN, {}),
    ("a part of no strategy",          lambda w: (w.deal(), w.do(cmd.ClosePosition(LOGIN, w.position.position_id, strategy_id=MINE))),
                                                                                                            Code.POSITION_UNKNOWN, {"position_id": "7300001"}),
    ("a part that is no part",         lambda w: (w.strategy(), w.deal(), w.do(cmd.ClosePosition(LOGIN, w.position.position_id, strategy_id=MINE))),
                                                                                                            Code.POSITION_UNKNOWN, {"position_id": "7300001"}),
    ("remove a budget never set",      lambda w: (w.strategy(), w.do(cmd.RemoveBudget(LOGIN, MINE, "USD"))), Code.BUDGET_UNKNOWN, {}),
    ("remove a budget in use",         lambda w: (w.strategy(MINE, USD="1000"), w.place(AAPL_82), w.do(cmd.RemoveBudget(LOGIN, MINE, "USD"))),
                                                                                                            Code.BUDGET_IN_USE, {"reserved": "820", "allocated": "1000"}),
    ("the venue's own refusal",        lambda w: w.venue_rejects(w.place(a_limit("BUY", "10", "1.09"))),    Code.VENUE_REJECTED, {}),
]  # fmt: skip

# Refused amendments of a resting BUY LIMIT 10,000 at 1.09 (a stop-limit, where it says so) on the same world.
AMEND_ROWS = [
    # what is wrong                   rules since                     change                       code                       numbers
    ("a disabled account",            {"status": "DISABLED"},         {"quantity": "5"},           Code.ACCOUNT_DISABLED,     {}),
    ("a read-only account",           {"status": "READ_ONLY"},        {"quantity": "5"},           Code.ACCOUNT_READ_ONLY,    {}),
    ("more when closing only",        {"status": "CLOSE_ONLY"},       {"quantity": "10001"},       Code.ACCOUNT_CLOSE_ONLY,   {"opening_quantity": "10001"}),
    ("below the minimum",             {"quantity_min": "10"},         {"quantity": "5"},           Code.QUANTITY_BELOW_MIN,   {"quantity": "5", "quantity_min": "10", "would_pass": "10"}),
    ("above the maximum",             {"quantity_max": "20000"},      {"quantity": "20001"},       Code.QUANTITY_ABOVE_MAX,   {"quantity": "20001", "quantity_max": "20000", "would_pass": "20000"}),
    ("between two steps",             {"quantity_step": "10"},        {"quantity": "25"},          Code.QUANTITY_STEP,        {"quantity": "25", "quantity_step": "10", "would_pass": "20"}),
    ("between two ticks",             {"enforces_tick": True},        {"limit_price": "1.000005"}, Code.PRICE_OFF_TICK,       {"limit_price": "1.000005", "tick_size": "0.00001", "would_pass": "1.0"}),
    ("to the ask",                    {},                             STRICT | {"limit_price": "1.1001"}, Code.PRICE_WRONG_SIDE, {"price": "1.1001", "bid": "1.1", "ask": "1.1001", "would_pass": "1.10009"}),
    ("a stop loss above the entry",   {},                             STRICT | {"stop_loss": "1.095"}, Code.EXITS_WRONG_SIDE, {"stop_loss": "1.095", "bid": "1.1", "ask": "1.1001", "would_pass": "1.08999"}),
    ("to more than the house wants",  {"notional_max": "20000"},      {"quantity": "20000"},       Code.NOTIONAL_ABOVE_MAX,   {"notional": "21800", "notional_max": "20000", "would_pass": "18348.62385321"}),
    ("to more than is free",          {},                             {"quantity": "2000000"},     Code.MARGIN_INSUFFICIENT,  {"required": "109000", "available": "100000", "leverage": "20", "price": "1.09", "would_pass": "1834862.38532110"}),
    ("a stop price",                  {},                             {"stop_price": "1.1"},       Code.PRICE_NOT_ALLOWED,    {"stop_price": "1.1"}),
    ("a price of nothing",            {},                             {"limit_price": "0"},        Code.PRICE_NOT_POSITIVE,   {"limit_price": "0"}),
    ("until an hour ago",             {},                             {"expires_at": BEFORE},      Code.EXPIRY_IN_PAST,       {"expires_at": str(BEFORE)}),
]  # fmt: skip


def strategy_world(before: Before) -> World:
    """A world with a registered strategy, after what a row of STRATEGY_ROWS did before."""
    world = World()
    world.strategy()
    before(world)
    return world

"""Names of a deployment's orders: made of what was decided, so that deciding it again makes no second order."""

import re
from typing import Final

_NAME: Final = re.compile(r"dep(\d{1,15})-")


def order_name(deployment_id: int, symbol: str, key: str) -> str:
    """The client order id of an intent of the deployment's program on `symbol`; `key` is the intent's."""
    return f"dep{deployment_id}-{symbol}-{key}"


def deployment_of(client_order_id: str | None) -> int | None:
    """Whose order has that name; None: no deployment's."""
    found = None if client_order_id is None else _NAME.match(client_order_id)
    return None if found is None else int(found[1])

"""Returns month by month."""

import numpy as np

from tradehall.analytics.equity import EquityCurve


def monthly_returns(equity: EquityCurve) -> dict[str, float]:
    """Return of each month (UTC) that has a day, "2025-01" → 0.05, oldest first; compounded they are the whole.

    From the last equity of one month to the last of the next; the first month from the first point on. A month
    that began with nothing or with debts has no return and is left out.
    """
    days, closes = equity.daily()
    if not days.size:
        return {}
    months = days.astype("datetime64[ns]").astype("datetime64[M]")
    ends = np.append(np.flatnonzero(months[1:] != months[:-1]), months.size - 1)
    after = closes[ends]
    before = np.concatenate(([equity.ends[0]], after[:-1]))
    rows = zip(months[ends].astype(str).tolist(), before.tolist(), after.tolist(), strict=True)
    return {month: last / first - 1.0 for month, first, last in rows if first > 0}

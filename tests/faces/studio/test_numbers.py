"""Numbers of a definition: whoever writes them as JSON numbers finds them as they were."""

from __future__ import annotations

from tests.app.studio.world import run
from tests.faces.studio.opened import opened


def test_numbers_with_a_fraction_stay_what_they_were(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            exits = {"open": "long", "stop_loss": {"percent": 2.5}, "take_profit": {"percent": "7.5"}}
            definition = {"rules": [{"when": {"above": ["close", 1.0825]}, "do": [exits]}]}
            judged = await house.ok("POST", "/strategies/validate", {"definition": definition})
            assert judged["valid"] and "1.0825" in judged["text"] and "2.5" in judged["text"]
            made = await house.strategy(definition=definition, template=None)
            assert made["definition"] == definition
            for number in (1.5, 1e308):
                assert not (await house.ok("POST", "/strategies/validate", {"definition": number}))["valid"]

    run(journey())

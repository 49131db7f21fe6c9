"""Where the dashboard is open, whoever is on this machine is its operator at the studio too, if he says so."""

import asyncio

import pytest

from tests.faces.studio.opened import opened
from tradehall.app.studio.reach import HOUSE
from tradehall.faces.kit import Problem
from tradehall.faces.studio.auth import OPEN_TOKEN, owner_of, principal_of, reach_of


def test_the_word_of_the_open_house_counts_only_where_it_is_open(tmp_path):
    async def steps():
        async with opened(tmp_path) as door:
            access = door.world.access
            local = principal_of(access, OPEN_TOKEN, "", is_open=True)
            assert reach_of(local) == HOUSE
            assert owner_of(local).user_id is None
            for token, is_open in ((OPEN_TOKEN, False), ("", True), ("", False), ("opened", True)):
                with pytest.raises(Problem):
                    principal_of(access, token, "", is_open=is_open)
            answer = await door.http.get("/api/studio/v1/strategies", headers={"authorization": f"Bearer {OPEN_TOKEN}"})
            assert answer.status_code == 401  # This one asks for tokens.

    asyncio.run(steps())

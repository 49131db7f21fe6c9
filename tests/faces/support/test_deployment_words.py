"""What may be asked of a deployment, in the support door's own words."""

from pathlib import Path

from tests.app.studio.world import UP, opens_on, run
from tests.faces.support.opened import WHY, opened


def test_what_may_be_asked_of_a_deployment_is_told_in_the_doors_own_words(tmp_path: Path):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            deployment = await desk.world.deploy(await desk.world.strategy(opens_on(UP)))
            path = f"/deployments/{deployment.deployment_id}"
            answer = await desk.call("PATCH", path, WHY | {"action": "resume"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "INVALID_TRANSITION")
            assert answer.json()["error"]["details"] == {
                "state": "running", "action": "resume", "allowed": ["pause", "stop", "stop_and_close"],
            }  # fmt: skip
            await desk.ok("PATCH", path, WHY | {"action": "stop_and_close"})
            await desk.world.settle()
            answer = await desk.call("PATCH", path, WHY | {"action": "stop_and_close"})
            assert answer.json()["error"]["details"] == {
                "state": "stopped", "action": "stop_and_close", "allowed": ["restart"],
            }  # fmt: skip

    run(story())

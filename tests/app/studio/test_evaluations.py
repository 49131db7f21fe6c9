"""What is remembered of the looks of deployments, and that it is never more than so much."""

from tests.app.studio.world import BY, MIRA, UP, opened, opens_on, run
from tradehall.app.deployments.evaluations import ENDED_KEPT_MAX, KEPT_MAX, Evaluation, Evaluations
from tradehall.app.deployments.transitions import Action
from tradehall.app.records.deployments import StopPolicy


def a_look(at, symbol="EURUSD"):
    return Evaluation(symbol, at, at, None, ())


def instants(evaluations, deployment_id):
    return [each.at for each in evaluations.of(deployment_id, 1_000)]


def test_of_each_program_the_newest_are_kept():
    evaluations = Evaluations()
    for at in range(KEPT_MAX + 5):
        evaluations.add(1, a_look(at))
        evaluations.add(1, a_look(at, "GBPUSD"))
    assert len(instants(evaluations, 1)) == 2 * KEPT_MAX
    assert min(instants(evaluations, 1)) == 5


def test_of_deployments_that_are_over_only_the_last_ones_are_remembered():
    evaluations = Evaluations()
    for number in range(1, ENDED_KEPT_MAX + 3):
        evaluations.begin(number)
        evaluations.add(number, a_look(number))
        evaluations.end(number)
    assert instants(evaluations, 1) == instants(evaluations, 2) == []
    assert instants(evaluations, 3) == [3]
    assert instants(evaluations, ENDED_KEPT_MAX + 2) == [ENDED_KEPT_MAX + 2]


def test_one_that_runs_again_is_not_forgotten_while_others_end():
    evaluations = Evaluations()
    evaluations.add(1, a_look(1))
    evaluations.end(1)
    evaluations.begin(1)
    for number in range(2, 2 * ENDED_KEPT_MAX):
        evaluations.end(number)
    assert instants(evaluations, 1) == [1]


def test_a_stopped_deployment_still_tells_what_it_saw_until_too_many_have_ended_since(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            running = await world.deploy(await world.strategy(opens_on(UP)))
            await world.minute("1.0800", "1.0810")
            evaluations = world.rooms.runner.evaluations
            assert evaluations.of(running.deployment_id, 10)
            stop = world.rooms.deployments.act
            await stop(world.reach(MIRA), running.deployment_id, Action.STOP, by=BY, policy=StopPolicy.LEAVE)
            await world.settle()
            assert evaluations.of(running.deployment_id, 10)
            for number in range(1_000, 1_000 + ENDED_KEPT_MAX):
                evaluations.end(number)
            assert not evaluations.of(running.deployment_id, 10)

    run(journey())

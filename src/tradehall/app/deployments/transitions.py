"""What a deployment may do next: its states, and the actions that lead from one to another."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec.structs import replace

from tradehall.app.records.deployments import REASON_LENGTH_MAX, Deployment, DeploymentState
from tradehall.app.studio.refusals import StudioCode, StudioRefused


class Action(StrEnum):
    """What people ask of a deployment."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    RESTART = "restart"


ALLOWED: Final[Mapping[DeploymentState, tuple[Action, ...]]] = {
    DeploymentState.STARTING: (Action.STOP,),
    DeploymentState.RUNNING: (Action.PAUSE, Action.STOP),
    DeploymentState.PAUSED: (Action.RESUME, Action.STOP),
    # Who asked for less may ask for more: to cancel, to flatten.
    DeploymentState.STOPPING: (Action.STOP,),
    DeploymentState.STOPPED: (Action.RESTART,),
    DeploymentState.FAILED: (Action.RESTART,),
}
assert ALLOWED.keys() == set(DeploymentState)

_TARGETS: Final[Mapping[Action, DeploymentState]] = {
    Action.PAUSE: DeploymentState.PAUSED,
    Action.RESUME: DeploymentState.RUNNING,
    Action.STOP: DeploymentState.STOPPING,
    Action.RESTART: DeploymentState.STARTING,
}
assert _TARGETS.keys() == set(Action)


def target_of(deployment: Deployment, action: Action) -> DeploymentState:
    """The state that an action leads to; StudioRefused where it is not allowed now."""
    allowed = ALLOWED[deployment.state]
    if action in allowed:
        return _TARGETS[action]
    details = {"state": deployment.state.value, "action": action.value, "allowed": [each.value for each in allowed]}
    raise StudioRefused(
        StudioCode.INVALID_TRANSITION,
        f"deployment {deployment.deployment_id} is {deployment.state.value}: it cannot {action.value}",
        details,
    )


def moved(deployment: Deployment, now: int, state: DeploymentState, **fields: Any) -> Deployment:
    """The deployment in another state, its next version."""
    reason = fields.pop("state_reason", None)
    return replace(
        deployment,
        state=state,
        state_reason=None if reason is None else reason[:REASON_LENGTH_MAX],
        updated_at=now,
        version=deployment.version + 1,
        **fields,
    )

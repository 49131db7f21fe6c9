"""The support door: the back office of a partner domain.

support = Support(access=access, identity=identity, desk=desk, …)
door = make_door(support)
"""

from tradehall.faces.support.broker import make_broker_door
from tradehall.faces.support.routes import make_door
from tradehall.faces.support.support import Support

__all__ = ["Support", "make_broker_door", "make_door"]

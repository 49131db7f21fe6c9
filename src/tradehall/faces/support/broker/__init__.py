"""The broker layer: the support desk's services under the paths and names of an older interface.

Arguments are query parameters, also of writes; every write's reason is "broker api".
"""

from tradehall.faces.support.broker.routes import make_broker_door

__all__ = ["make_broker_door"]

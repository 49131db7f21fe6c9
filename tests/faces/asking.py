"""What tests say of answers of doors whose refusals have a code."""

from abc import ABC, abstractmethod
from typing import Any

import httpx


class Asking(ABC):
    """A door that is asked. `more` goes to `call`."""

    @abstractmethod
    async def call(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        """One request."""

    async def ok(self, method: str, path: str, json: Any = None, *, status: int = 200, **more: Any) -> Any:
        """A request that must succeed; its JSON."""
        answer = await self.call(method, path, json, **more)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json()

    async def refused(self, method: str, path: str, json: Any = None, **more: Any) -> tuple[int, str]:
        """A request that must be refused; status and code."""
        answer = await self.call(method, path, json, **more)
        assert answer.status_code >= 400, (method, path, answer.status_code, answer.text)
        return answer.status_code, answer.json()["error"]["code"]

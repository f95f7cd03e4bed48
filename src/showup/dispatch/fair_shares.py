"""Shares a process's slots fairly between workspaces, so that none can take all of them.

A workspace may hold at most as many slots as are still free: the dynamic threshold of A. K. Choudhury and E. L. Hahne
("Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998). One busy workspace gets half of all slots,
and the next one half of the rest. As slots are given back, n busy workspaces approach one part of n + 1 each, and the
last part stays free for a workspace that comes later. So it needn't wait until slow calls of others end.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID


class FairShares:
    """A number of equal slots. Workspaces that wait get freed slots in rotation; within one, the first asked is first.

    It belongs to one event loop.
    """

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._held: Counter[UUID] = Counter()
        # The order of the keys is the rotation.
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def slot(self, workspace_id: UUID) -> AsyncIterator[None]:
        """Holds one slot, after waiting for it."""
        await self.take(workspace_id)
        try:
            yield
        finally:
            self.give_back(workspace_id)

    async def take(self, workspace_id: UUID) -> None:
        """Takes one slot, and waits until there is one."""
        if self.try_take(workspace_id, 1):
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace_id, deque()).append(granted)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.give_back(workspace_id)
            raise

    def try_take(self, workspace_id: UUID, wanted: int) -> int:
        """Takes at most so many slots without waiting, none before those of the workspace that wait; returns how many.

        A workspace without a slot can get one whenever any is free.
        """
        taken = 0
        while taken < wanted and workspace_id not in self._waiting and self._may_take(workspace_id):
            self._grant(workspace_id)
            taken += 1
        return taken

    def give_back(self, workspace_id: UUID, count: int = 1) -> None:
        """Frees that many slots of the workspace, and passes them on."""
        self._free += count
        self._held[workspace_id] -= count
        if not self._held[workspace_id]:
            del self._held[workspace_id]
        self._pass_on()

    def _may_take(self, workspace_id: UUID) -> bool:
        return self._held[workspace_id] < self._free

    def _grant(self, workspace_id: UUID) -> None:
        self._free -= 1
        self._held[workspace_id] += 1

    def _pass_on(self) -> None:
        """Grants slots to waiting workspaces, one to each, until none may take more."""
        granted_any = True
        while granted_any and self._free:
            granted_any = False
            for workspace_id in list(self._waiting):
                granted_any |= self._pass_one_to(workspace_id)

    def _pass_one_to(self, workspace_id: UUID) -> bool:
        waiting = self._waiting[workspace_id]
        while waiting and waiting[0].done():
            waiting.popleft()
        is_granted = bool(waiting) and self._may_take(workspace_id)
        if is_granted:
            self._grant(workspace_id)
            waiting.popleft().set_result(None)
            # To the end of the rotation.
            del self._waiting[workspace_id]
            if waiting:
                self._waiting[workspace_id] = waiting
        elif not waiting:
            del self._waiting[workspace_id]
        return is_granted

"""A store whose journal fails when it is told to."""

from tradehall.ports.journal import JournalRefused


class FaultyJournal:
    """Passes on to a real journal, unless told otherwise.

    `refuse`: that many appends and probes find a full disk. `unknown_before`, `unknown_after`: the next append
    fails without anybody knowing, having written nothing, or everything.
    """

    def __init__(self, journal):
        self._journal = journal
        self.refuse = 0
        self.unknown_before = False
        self.unknown_after = False
        self.appended = []

    @property
    def head(self):
        return self._journal.head

    def append(self, payloads, rows):
        self._refuse()
        if self.unknown_before:
            self.unknown_before = False
            raise OSError("sync failed")
        self._journal.append(payloads, rows)
        self.appended.append(len(payloads))
        if self.unknown_after:
            self.unknown_after = False
            raise OSError("sync failed")

    def probe(self):
        self._refuse()

    def _refuse(self):
        if self.refuse:
            self.refuse -= 1
            raise JournalRefused("the disk is full")

    def entries(self, after=0):
        return self._journal.entries(after)

    def close(self):
        self._journal.close()


class FaultyStore:
    """A store with a FaultyJournal."""

    def __init__(self, store):
        self.journal = FaultyJournal(store.journal)
        self.views = store.views
        self.view_store = store.view_store

    def close(self):
        pass

"""A store whose journal fails when it is told to."""

from tradehall.ports.journal import JournalRefused


class FaultyJournal:
    """Passes on to a real journal, unless told otherwise.

    `refuse`: that many appends and probes find a full disk; `refuse_rows`: that many writes of rows on their own.
    `unknown_before`, `unknown_after`: the next append fails without anybody knowing, having written nothing, or
    everything; `unknown_rows`: the next write of rows. `meanwhile` is called during the next append.
    """

    def __init__(self, journal):
        self._journal = journal
        self.refuse = self.refuse_rows = 0
        self.unknown_before = False
        self.unknown_after = False
        self.unknown_rows = False
        self.meanwhile = None
        self.appended = []
        self.rows_alone = 0

    @property
    def head(self):
        return self._journal.head

    def append(self, payloads, rows, rows_until=None):
        self._refuse()
        if self.unknown_before:
            self.unknown_before = False
            raise OSError("sync failed")
        self._journal.append(payloads, rows, rows_until)
        self.appended.append(len(payloads))
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        if self.unknown_after:
            self.unknown_after = False
            raise OSError("sync failed")

    def write_rows(self, rows):
        if self.unknown_rows:
            self.unknown_rows = False
            raise OSError("nobody knows")
        if self.refuse_rows:
            self.refuse_rows -= 1
            raise JournalRefused("the disk is full")
        self._journal.write_rows(rows)
        self.rows_alone += 1

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

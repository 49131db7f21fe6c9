"""What keeps a house from opening; it stands alone, so that who only names it need not load the house."""


class StartRefused(Exception):
    """The house was built but cannot open; the text says why."""

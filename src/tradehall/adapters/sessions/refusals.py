"""What keeps a session from being recorded; it stands alone, so that who only names it need not load the recorder."""


class RecordingRefused(Exception):
    """A session cannot be recorded there; the text says why."""

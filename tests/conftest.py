"""What every test may ask for. Builders and fakes live beside the tests of the room they serve."""

from hypothesis import settings

# Shared machines are slow at times: a deadline per example would fail on the machine's mood, not on our code.
settings.register_profile("gate", deadline=None, print_blob=True)
settings.load_profile("gate")

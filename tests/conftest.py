"""What every test may ask for. Builders and fakes live beside the tests of the room they serve."""

from hypothesis import HealthCheck, settings

# Shared machines are slow at times: a deadline per example would fail on the machine's mood, not on our code.
# How fast a busy machine draws its examples is no property of what is tested.
settings.register_profile("gate", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gate")

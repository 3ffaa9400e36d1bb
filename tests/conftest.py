"""Two hypothesis profiles: `fast` for every check, `thorough` for the long run (HYPOTHESIS_PROFILE names one)."""

import os

from hypothesis import HealthCheck, settings

_SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)
settings.register_profile("fast", max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=_SLOW)
settings.register_profile(
    "thorough", max_examples=400, stateful_step_count=100, deadline=None, suppress_health_check=_SLOW
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

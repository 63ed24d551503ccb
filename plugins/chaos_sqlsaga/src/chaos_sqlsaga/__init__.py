"""A SQL saga engine as target, faults aimed at sagas, and checkers for any saga system, for chaoscore."""

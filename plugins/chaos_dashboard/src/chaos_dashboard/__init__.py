"""A live page and a self-contained HTML report for chaoscore runs."""

"""Runs that are killed or told to end at random moments, and what becomes of what they had struck."""

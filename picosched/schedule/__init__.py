"""Scheduled events: their state, occurrences, filters and windows.

Reading a timespec and stepping through its times is pure: no clock, no store. Only the loop waits.
"""

"""When events come: timespecs, what is scheduled by them, and the loop that raises what is due.

Reading a timespec and stepping through its times is pure: no clock, no store. Only the loop waits.
"""

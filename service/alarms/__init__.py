"""Alarms as ISA-18.2 has them: what each means, when it stands, who has seen it.

    states     one alarm: normal, unacknowledged, acknowledged, returned, latched, shelved ...
    delays     a condition is believed when it has lasted
    catalogue  every alarm of a line: cause, consequence, what to do, how soon
    conditions what a cycle's record says of them
    desk       all alarms of a line together: transitions, list, floods
    watch      the desk at work in the engine

Everything but `watch` is pure: time and bad news come as arguments. The engine raises and lowers
alarms after a cycle has been written and recorded, never before.
"""

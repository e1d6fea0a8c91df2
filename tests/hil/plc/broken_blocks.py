"""Bugs to plant in the PLC block: the ones a port to another PLC, or a tired hand, would make.

Each is a replacement in the Structured Text and the same one in the C. Every one must be noticed
by the stories, or the stories would not help whoever types the block into another PLC.
"""

from __future__ import annotations

from typing import NamedTuple


class Bug(NamedTuple):
    """What is replaced by what, in either language."""

    name: str
    text: tuple[str, str]
    c: tuple[str, str]


BUGS = (
    Bug("the watchdog never barks",
        ("Alive := SilentS < WatchdogS;", "Alive := TRUE;"),
        ("const bool alive = g->silent_s < g->watchdog_s;", "const bool alive = true;")),
    Bug("the watchdog adds up silence that was broken",
        ("SilentS := 0.0;\n    ELSIF", "SilentS := SilentS;\n    ELSIF"),
        ("        g->silent_s = 0.0f;\n    else", "        g->silent_s *= 1.0f;\n    else")),
    Bug("a heartbeat that stands at the start counts as alive",
        ("SilentS := WatchdogS; ", "SilentS := 0.0; "),
        ("g->silent_s = g->watchdog_s;", "g->silent_s = 0.0f;")),
    Bug("remote comes back with the heartbeat",
        ("ELSIF EdgeWaits AND Alive THEN", "ELSIF RemoteRequest AND RemoteReady AND Alive THEN"),
        ("} else if (g->edge_waits && alive) {",
         "} else if (g->remote_request && g->remote_ready && alive) {")),
    Bug("a request that stands when the PLC starts is taken for an edge",
        ("LastRequest := RemoteRequest;        (*", "LastRequest := FALSE; (*"),
        ("g->last_request = g->remote_request;\n    g->silent_s",
         "g->last_request = false;\n    g->silent_s")),
    Bug("an edge is remembered for ever",
        (" OR (EdgeS >= WatchdogS)", ""),
        (" || g->edge_s >= g->watchdog_s", "")),
    Bug("the key only stops new requests",
        ("IF NOT (Alive AND RemoteRequest AND RemoteReady) THEN",
         "IF NOT (Alive AND RemoteRequest AND NOT Tripped) THEN"),
        ("else if (!g->remote_ready)\n", "else if (g->tripped)\n")),
    Bug("a trip does not take the loop back",
        ("RemoteReady := KeyRemote AND Permit AND NOT Tripped;",
         "RemoteReady := KeyRemote AND Permit;"),
        ("g->key_remote && g->permit && !g->tripped", "g->key_remote && g->permit")),
    Bug("a trip resets itself when its cause is gone",
        ("ELSIF Reset AND NOT LastReset THEN", "ELSE"),
        ("else if (g->reset && !g->last_reset)\n", "else\n")),
    Bug("a reset button held down resets",
        ("ELSIF Reset AND NOT LastReset THEN", "ELSIF Reset THEN"),
        ("else if (g->reset && !g->last_reset)", "else if (g->reset)")),
    Bug("reset works while the cause is there",
        ("IF TripCause THEN\n    Tripped := TRUE;\nELSIF Reset AND NOT LastReset THEN\n"
         "    Tripped := FALSE;",
         "IF Reset AND NOT LastReset THEN\n    Tripped := FALSE;\nELSIF TripCause THEN\n"
         "    Tripped := TRUE;"),
        ("    if (g->trip_cause)\n        g->tripped = true;\n    else if (g->reset && "
         "!g->last_reset)\n        g->tripped = false;",
         "    if (g->reset && !g->last_reset)\n        g->tripped = false;\n    else if ("
         "g->trip_cause)\n        g->tripped = true;")),
    Bug("a group is taken while it is still being written",
        ("    IF Commit <> LastCommit THEN\n        Pending := TRUE;\n    ELSIF Pending THEN",
         "    IF Commit <> LastCommit THEN"),
        ("    if (g->commit != g->last_commit) {\n        g->pending = true;\n"
         "    } else if (g->pending) {",
         "    if (g->commit != g->last_commit) {")),
    Bug("setpoints are followed without a commit word",
        ("ELSIF Pending THEN\n        Pending := FALSE;", "ELSE"),
        ("} else if (g->pending) {\n        g->pending = false;", "} else {")),
    Bug("a value that is no number is left out and the rest is taken",
        ("            IF Whole THEN\n                FOR I := 0 TO Count - 1 DO\n"
         "                    Taken[I] := Setpoint[I];",
         "            IF Whole OR GroupRefused THEN\n                FOR I := 0 TO Count - 1 DO\n"
         "                    Taken[I] := Setpoint[I];"),
        ("for (int i = 0; whole && i < g->count; i++)", "for (int i = 0; i < g->count; i++)")),
    Bug("a group committed in local is taken when remote begins",
        ("        Pending := FALSE;\n        IF RemoteActive THEN",
         "        IF RemoteActive THEN\n            Pending := FALSE;"),
        ("        g->pending = false;\n        if (g->remote_active) {",
         "        if (g->remote_active) {\n            g->pending = false;")),
    Bug("no clamp at the top",
        ("ELSIF Wish > High[I] THEN\n                Wish := High[I];",
         "ELSIF Wish > High[I] THEN\n                Wish := Wish;"),
        ("wish = g->high[i];", "wish *= 1.0f;")),
    Bug("no pace downwards",
        ("Active[I] := Active[I] - Pace;", "Active[I] := Wish;"),
        ("g->active[i] -= pace;", "g->active[i] = wish;")),
    Bug("the pace forgets the scan time",
        ("Pace := Rate[I] * ScanS;", "Pace := Rate[I];"),
        ("const float pace = g->rate[i] * g->scan_s;", "const float pace = g->rate[i];")),
    Bug("the clamp is written as a minimum of a maximum, and a NaN slips through",
        ("IF (Wish > -1.0E30) AND (Wish < 1.0E30) THEN", "IF TRUE THEN"),
        ("    if (!is_number(wish))\n        return;\n", "")),
    Bug("the local loop starts with a proportional kick",
        ("Delta := 0.0;\n    IF HasLast THEN", "Delta := 0.0;\n    IF TRUE THEN"),
        ("pi->has_last ? deviation - pi->last_deviation : 0.0f",
         "deviation - pi->last_deviation")),
    Bug("the local loop works on under the engine",
        ("IF Run AND (Deviation", "IF (Deviation"),
        ("if (pi->run && is_number", "if (is_number")),
    Bug("the local loop counts from its target, not from the setpoint in use",
        ("Wanted := Current + Gain *", "Wanted := Target + Gain *"),
        ("pi->wanted = pi->current + pi->gain *", "pi->wanted = pi->target + pi->gain *")),
    Bug("a measured value that is no number does not trip",
        ("IF (Pv > Low) AND (Pv < High) THEN", "IF NOT ((Pv <= Low) OR (Pv >= High)) THEN"),
        ("if (t->pv > t->low && t->pv < t->high) {",
         "if (!(t->pv <= t->low || t->pv >= t->high)) {")),
    Bug("a trip's cause has no hysteresis",
        ("    IF (Pv > BackLow) AND (Pv < BackHigh) THEN\n        Cause",
         "    IF TRUE THEN\n        Cause"),
        ("if (t->pv > t->back_low && t->pv < t->back_high)\n            ", "")),
    Bug("a watchdog that could not bark is accepted",
        ("AND (WatchdogS < ScanS * 1.0E6) ", ""),
        (" &&\n          g->watchdog_s < g->scan_s * MOST_SCANS", "")),
    Bug("bad settings stop the hand-shake only",
        ("IF RemoteActive THEN\n        RemoteActive := FALSE;\n        LeftBecause := 5;",
         "IF FALSE THEN\n        LeftBecause := 5;"),
        ("if (g->remote_active)\n            leave(g, LEFT_SETTINGS);", ";")),
    Bug("our heartbeat never wraps",
        ("IF Heartbeat > 65535 THEN", "IF Heartbeat > 165535 THEN"),
        ("g->heartbeat >= 65535 ?", "g->heartbeat >= 165535 ?")),
)  # fmt: skip

#include "block.h"

#include <float.h>

/* Every sum and product below is meant to be rounded to 32 bits at once, as a PLC does. */
_Static_assert(FLT_EVAL_METHOD == 0, "this machine keeps more digits than a PLC's REAL");

static const float HUGE_REAL = 1.0e30f;
static const float MOST_SCANS = 1.0e6f; /* of a wait: a longer sum would stop to grow */

bool is_number(float value) { return value > -HUGE_REAL && value < HUGE_REAL; }

void rheostat_trip_scan(rheostat_trip *t)
{
    const bool patient = t->scan_s > 0.0f && t->delay_s > 0.0f && t->delay_s < t->scan_s * MOST_SCANS;
    if (t->pv > t->low && t->pv < t->high) {
        t->bad_s = 0.0f;
        if (t->pv > t->back_low && t->pv < t->back_high)
            t->cause = false;
        return;
    }
    if (patient && t->bad_s < t->delay_s)
        t->bad_s += t->scan_s;
    if (!patient || !(t->bad_s < t->delay_s))
        t->cause = true;
}

void rheostat_pi_scan(rheostat_pi *pi)
{
    const float deviation = pi->target - pi->pv;
    pi->wanted = pi->current;
    if (pi->run && is_number(deviation) && pi->integral_s > 0.0f) {
        const float delta = pi->has_last ? deviation - pi->last_deviation : 0.0f;
        pi->wanted = pi->current + pi->gain * (delta + deviation * pi->scan_s / pi->integral_s);
        pi->last_deviation = deviation;
        pi->has_last = true;
    } else {
        pi->has_last = false;
    }
}

static bool settings_make_sense(const rheostat_group *g)
{
    if (!(g->scan_s > 0.0f && g->scan_s < g->watchdog_s && g->watchdog_s < 1.0e6f &&
          g->watchdog_s < g->scan_s * MOST_SCANS))
        return false;
    if (g->count < 1 || g->count > GROUP_MOST)
        return false;
    for (int i = 0; i < g->count; i++) {
        const bool box = g->low[i] > -HUGE_REAL && g->low[i] < g->high[i] && g->high[i] < HUGE_REAL;
        const bool pace = g->rate[i] > 0.0f && g->rate[i] < HUGE_REAL;
        if (!box || !pace || (!g->started && !is_number(g->start[i])))
            return false;
    }
    return true;
}

static void begin(rheostat_group *g)
{
    for (int i = 0; i < GROUP_MOST; i++)
        g->active[i] = g->taken[i] = g->start[i];
    g->last_beat = g->engine_beat;
    g->last_commit = g->commit;
    g->last_request = g->remote_request;
    g->silent_s = g->watchdog_s;
    g->started = true;
}

static void leave(rheostat_group *g, left_because why)
{
    g->remote_active = false;
    g->left = why;
}

static void shake_hands(rheostat_group *g)
{
    if (g->engine_beat != g->last_beat)
        g->silent_s = 0.0f;
    else if (g->silent_s < g->watchdog_s)
        g->silent_s += g->scan_s;
    g->last_beat = g->engine_beat;
    const bool alive = g->silent_s < g->watchdog_s;

    g->remote_ready = g->key_remote && g->permit && !g->tripped;
    g->edge_s += g->scan_s;
    if (g->remote_request && !g->last_request && g->remote_ready) {
        g->edge_waits = true;
        g->edge_s = 0.0f;
    }
    if (!g->remote_request || !g->remote_ready || g->edge_s >= g->watchdog_s)
        g->edge_waits = false;

    if (g->remote_active) {
        g->edge_waits = false;
        if (!alive)
            leave(g, LEFT_WATCHDOG);
        else if (!g->remote_request)
            leave(g, LEFT_GIVEN_BACK);
        else if (!g->remote_ready)
            leave(g, g->tripped ? LEFT_TRIP : LEFT_KEY);
    } else if (g->edge_waits && alive) {
        g->remote_active = true;
        g->edge_waits = false;
        for (int i = 0; i < g->count; i++)
            g->taken[i] = g->active[i];
    }
}

static void take_whole_group(rheostat_group *g)
{
    if (g->commit != g->last_commit) {
        g->pending = true;
    } else if (g->pending) {
        g->pending = false;
        if (g->remote_active) {
            bool whole = true;
            for (int i = 0; i < g->count; i++)
                whole = whole && is_number(g->setpoint[i]);
            g->group_refused = !whole;
            for (int i = 0; whole && i < g->count; i++)
                g->taken[i] = g->setpoint[i];
        }
    }
    g->last_commit = g->commit;
}

static void follow(rheostat_group *g, int i, bool beginning)
{
    float wish = g->remote_active ? g->taken[i] : beginning ? g->active[i] : g->local_sp[i];
    if (!is_number(wish))
        return;
    if (wish < g->low[i])
        wish = g->low[i];
    else if (wish > g->high[i])
        wish = g->high[i];
    const float pace = g->rate[i] * g->scan_s;
    if (wish > g->active[i] + pace)
        g->active[i] += pace;
    else if (wish < g->active[i] - pace)
        g->active[i] -= pace;
    else
        g->active[i] = wish;
}

void rheostat_group_scan(rheostat_group *g)
{
    g->heartbeat = g->heartbeat >= 65535 ? 0 : g->heartbeat + 1;
    g->settings_ok = settings_make_sense(g);
    const bool beginning = g->settings_ok && !g->started;
    if (beginning)
        begin(g);
    if (g->trip_cause)
        g->tripped = true;
    else if (g->reset && !g->last_reset)
        g->tripped = false;
    g->last_reset = g->reset;
    if (g->settings_ok) {
        shake_hands(g);
        take_whole_group(g);
        for (int i = 0; i < g->count; i++)
            follow(g, i, beginning);
    } else {
        g->remote_ready = false;
        g->edge_waits = false;
        g->pending = false;
        if (g->remote_active)
            leave(g, LEFT_SETTINGS);
    }
    g->last_request = g->remote_request;
}

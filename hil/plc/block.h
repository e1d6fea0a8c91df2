/* The reference implementation of rheostat.st in C: same names, same order, 32-bit REAL.
   What a word means stands in rheostat.st. */
#ifndef RHEOSTAT_BLOCK_H
#define RHEOSTAT_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { GROUP_MOST = 12 };

typedef struct {
    float scan_s, pv, low, high, back_low, back_high, delay_s; /* inputs */
    bool cause;                                                /* output */
    float bad_s;
} rheostat_trip;

typedef struct {
    bool run;
    float scan_s, pv, target, current, gain, integral_s; /* inputs */
    float wanted;                                        /* output */
    float last_deviation;
    bool has_last;
} rheostat_pi;

typedef enum {
    LEFT_NEVER,
    LEFT_WATCHDOG,
    LEFT_GIVEN_BACK,
    LEFT_KEY,
    LEFT_TRIP,
    LEFT_SETTINGS
} left_because;

typedef struct {
    /* inputs */
    float scan_s, watchdog_s;
    int32_t count;
    float low[GROUP_MOST], high[GROUP_MOST], rate[GROUP_MOST], start[GROUP_MOST];
    float setpoint[GROUP_MOST];
    bool remote_request;
    int32_t engine_beat, commit;
    bool key_remote, permit, trip_cause, reset;
    float local_sp[GROUP_MOST];
    /* outputs */
    float active[GROUP_MOST];
    bool remote_ready, remote_active, tripped, group_refused, settings_ok;
    int32_t heartbeat;
    left_because left;
    /* memory */
    bool started, pending, edge_waits, last_request, last_reset;
    float taken[GROUP_MOST];
    int32_t last_beat, last_commit;
    float silent_s, edge_s;
} rheostat_group;

/* All start from all zero bytes and are called once a scan, the group last. */
void rheostat_trip_scan(rheostat_trip *trip);
void rheostat_pi_scan(rheostat_pi *pi);
void rheostat_group_scan(rheostat_group *group);

/* Neither NaN nor infinite, nor so large that it may as well be. */
bool is_number(float value);

#endif

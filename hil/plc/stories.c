/* Runs the block on a table: one scan a line on standard input, its outputs on standard output.
   The wiring is that of the how-to: RheostatTrip and RheostatPi watch one measured value, the PI
   drives setpoint 0, the other two stand still in LOCAL. A line "new" starts fresh blocks, and
   "heartbeat N" sets our own. The order of the numbers: tests/hil/plc/rig.py. */
#include <stdio.h>
#include <string.h>

#include "block.h"

enum { GROUP_USED = 3 };

static rheostat_group group;
static rheostat_pi pi;
static rheostat_trip trip;

static int read_scan(const char *at)
{
    float *const arrays[] = {group.low, group.high, group.rate, group.start, group.setpoint};
    int request, key, permit, cause, reset, used = 0;
    if (sscanf(at, "%f %f %d %d %d %d %d %d %d %d%n", &group.scan_s, &group.watchdog_s, &group.count,
               &request, &group.engine_beat, &group.commit, &key, &permit, &cause, &reset,
               &used) != 10)
        return 0;
    at += used;
    for (int k = 0; k < 5; k++) {
        if (sscanf(at, "%f %f %f%n", &arrays[k][0], &arrays[k][1], &arrays[k][2], &used) != 3)
            return 0;
        at += used;
    }
    group.remote_request = request != 0;
    group.key_remote = key != 0;
    group.permit = permit != 0;
    group.trip_cause = cause != 0;
    group.reset = reset != 0;
    return sscanf(at, "%f %f %f %f %f %f %f %f %f", &pi.pv, &pi.target, &pi.gain, &pi.integral_s,
                  &trip.low, &trip.high, &trip.back_low, &trip.back_high, &trip.delay_s) == 9;
}

static void scan(void)
{
    trip.scan_s = pi.scan_s = group.scan_s;
    trip.pv = pi.pv;
    rheostat_trip_scan(&trip);
    pi.run = !group.remote_active;
    pi.current = group.active[0];
    rheostat_pi_scan(&pi);
    memcpy(group.local_sp, group.active, sizeof group.local_sp);
    group.local_sp[0] = pi.wanted;
    group.trip_cause = group.trip_cause || trip.cause;
    rheostat_group_scan(&group);
}

int main(void)
{
    char line[1024];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strncmp(line, "new", 3) == 0) {
            memset(&group, 0, sizeof group);
            memset(&pi, 0, sizeof pi);
            memset(&trip, 0, sizeof trip);
        } else if (sscanf(line, "heartbeat %d", &group.heartbeat) != 1) {
            if (!read_scan(line))
                return 2;
            scan();
            printf("%d %d %d %d %d %d %d %d %a", group.remote_ready, group.remote_active,
                   group.tripped, group.group_refused, group.settings_ok, (int)group.left,
                   (int)group.heartbeat, trip.cause, (double)pi.wanted);
            for (int i = 0; i < GROUP_USED; i++)
                printf(" %a", (double)group.active[i]);
            putchar('\n');
        }
    }
    return 0;
}

/* One PLC as its threads share it: the scan, the field cable, the Modbus server, the side door. */
#ifndef RHEOSTAT_PLC_H
#define RHEOSTAT_PLC_H

#include <pthread.h>
#include <stdio.h>

#include "show.h"

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t scanned; /* drives are ready to go out */
    /* what the cable was plugged in with */
    int field_port; /* 0: no plant yet */
    double speed;   /* plant seconds a second */
    unsigned plugs; /* a new one voids what is under way */
    FILE *log;
    /* process image */
    bool field_seen;
    double sensor[SENSORS];
    mixer_wire wire;
    bool panel[PANEL];
    mixer program;
    double plant_s;
    /* how well the scan keeps its time */
    unsigned long scans, missed;
    double late_s, latest_s;
    /* where to listen */
    int port, unit;
    const char *door;
} plc;

typedef struct {
    int field_port;
    double speed, viscosity_pa_s, temp_k;
    const char *log, *start;
} plc_plug;

double monotonic_s(void);

/* Plug the plant in: a fresh program, a log, and the plant's pace. NULL, or what is wrong. */
const char *plc_plug_in(plc *p, const plc_plug *plug);

/* One row of the log: time, plant time and the members in `members`. */
void plc_log(plc *p, const char *members);

/* Threads; each runs for ever. `self` is the plc. */
void *field_cable(void *self);
void *modbus_server(void *self);
void *side_door(void *self);

/* Listen, before the threads start; false when it cannot be. */
bool modbus_listen(plc *p);
bool door_listen(plc *p);

#endif

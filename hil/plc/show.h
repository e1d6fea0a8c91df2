/* What the mixer's PLC shows: its register map, compiled in as in any PLC, and the same as words. */
#ifndef RHEOSTAT_SHOW_H
#define RHEOSTAT_SHOW_H

#include "messages.h"
#include "mixer.h"

enum {
    REGISTERS = 200,
    WRITE_FIRST = 100, /* setpoints as REAL, two registers each, high word first */
    WRITE_REQUEST = 106,
    WRITE_SEQUENCE = 107,
    WRITE_HEARTBEAT = 108,
    WRITE_LAST = 108
};

/* Copy the image into registers 0 to 35. */
void show_registers(const mixer *m, const double sensor[SENSORS], uint16_t to[REGISTERS]);

/* "image":{...}, "active":{...}: SI, with the engine's names. */
void show_words(const mixer *m, const double sensor[SENSORS], json_text *to);

/* One event of the last scan as the members of a JSON object. */
void show_event(const mixer *m, int event, json_text *to);

#endif

/* The mixer's batch sequence; `mixer.c` decides what a phase drives. */
#ifndef RHEOSTAT_MIXER_BATCH_H
#define RHEOSTAT_MIXER_BATCH_H

#include <math.h>

#include "mixer.h"

/* Obey the panel's edges, then let time pass in the phase. */
void mixer_sequence(mixer *m, double dt_s, const double sensor[SENSORS], const bool panel[PANEL],
                    bool tripped);

/* Remember scale and laboratory as they stand when a phase begins. */
void mixer_note_phase(mixer *m, const double sensor[SENSORS]);

/* Room for the text of one more event of this scan. */
char *mixer_event(mixer *m);

static inline double or_zero(double value) { return isnan(value) ? 0.0 : value; }

#endif

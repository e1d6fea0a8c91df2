/* The batch: which phase runs, when it is done, and what the panel's edges do to it (ISA-88). */
#include "mixer_batch.h"

#include <math.h>
#include <stdio.h>

static const char *const PHASE_NAMES[] = {
    "IDLE",     "INERT",      "CHARGE_SOLVENT", "CHARGE_ADHESIVE", "ADD_ENHANCER",
    "ADD_API",  "DISPERSE",   "HOMOGENISE",     "TRIM",            "DEAERATE",
    "SAMPLE_HOLD", "TRANSFER", "CLEAN"};

char *mixer_event(mixer *m)
{
    return m->event[m->events < EVENTS_MOST ? m->events++ : EVENTS_MOST - 1];
}

void mixer_note_phase(mixer *m, const double sensor[SENSORS])
{
    m->mass_at_phase_kg = or_zero(sensor[MASS]);
    m->lab_at_phase = (int)or_zero(sensor[LAB_NUMBER]);
    m->lab_due_s = 0.0;
}

static void enter(mixer *m, mixer_phase phase)
{
    m->phase = phase;
    m->phase_s = 0.0;
    m->held = false;
}

static bool edge(mixer *m, const bool panel[PANEL], mixer_button button)
{
    return panel[button] && !m->pressed[button];
}

static bool obey(mixer *m, const bool panel[PANEL])
{
    const bool batch = m->phase != PHASE_IDLE;
    if (edge(m, panel, ABORT) && batch) {
        snprintf(mixer_event(m), EVENT_LENGTH, "batch %d aborted: cleaning", m->batch);
        enter(m, PHASE_CLEAN);
    } else if (edge(m, panel, HOLD) && batch && !m->held) {
        snprintf(mixer_event(m), EVENT_LENGTH, "held in %s", PHASE_NAMES[m->phase]);
        m->held = true;
    } else if (edge(m, panel, RESTART) && batch && m->held) {
        snprintf(mixer_event(m), EVENT_LENGTH, "restarted in %s", PHASE_NAMES[m->phase]);
        m->held = false;
    } else if (edge(m, panel, START_BATCH) && !batch) {
        snprintf(mixer_event(m), EVENT_LENGTH, "batch %d started", ++m->batch);
        enter(m, PHASE_INERT);
    } else {
        return false;
    }
    return true;
}

static double charge_kg(mixer_phase phase)
{
    switch (phase) {
    case PHASE_CHARGE_SOLVENT: return 77.0; /* part of it held back: TRIM can only add */
    case PHASE_CHARGE_ADHESIVE: return 382.0;
    case PHASE_ADD_ENHANCER: return 21.0;
    case PHASE_ADD_API: return 10.0;
    default: return 0.0;
    }
}

static double wait_s(mixer_phase phase)
{
    switch (phase) {
    case PHASE_INERT: return 300.0;
    case PHASE_DISPERSE:
    case PHASE_HOMOGENISE:
    case PHASE_DEAERATE: return 1800.0;
    case PHASE_CLEAN: return 1200.0;
    default: return INFINITY;
    }
}

static bool phase_done(mixer *m, double dt_s, const double sensor[SENSORS], const bool panel[PANEL])
{
    if (charge_kg(m->phase) > 0.0)
        return sensor[MASS] - m->mass_at_phase_kg >= charge_kg(m->phase);
    const bool steady = m->phase == PHASE_TRIM && fabs(m->eta25 / m->viscosity_pa_s - 1.0) < 0.10 &&
                        fabs(sensor[TEMP] - m->temp_k) < 1.0;
    m->steady_s = steady ? m->steady_s + dt_s : 0.0;
    switch (m->phase) {
    case PHASE_TRIM: return m->steady_s >= 1200.0;
    case PHASE_SAMPLE_HOLD: return sensor[LAB_NUMBER] > m->lab_at_phase && panel[RELEASE];
    case PHASE_TRANSFER: return sensor[MASS] < 5.0;
    default: return m->phase_s >= wait_s(m->phase);
    }
}

void mixer_sequence(mixer *m, double dt_s, const double sensor[SENSORS], const bool panel[PANEL],
                    bool tripped)
{
    if (obey(m, panel))
        mixer_note_phase(m, sensor);
    if (tripped || m->held || m->phase == PHASE_IDLE)
        return;
    const bool done = phase_done(m, dt_s, sensor, panel);
    m->phase_s += dt_s;
    if (!done)
        return;
    enter(m, m->phase == PHASE_CLEAN ? PHASE_IDLE : m->phase + 1);
    if (m->phase == PHASE_IDLE)
        snprintf(mixer_event(m), EVENT_LENGTH, "batch finished");
    else
        snprintf(mixer_event(m), EVENT_LENGTH, "phase %s", PHASE_NAMES[m->phase]);
    mixer_note_phase(m, sensor);
}

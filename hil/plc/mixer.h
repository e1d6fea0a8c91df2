/* The mixer's PLC program in C: batch sequence, loops, torque limit, around the block of block.h.
   It does what hil/plc_mixer.py does and shares nothing with it. Sensors and drives are SI, as the
   plant gives them; setpoints are in the units of the wire (rpm, degC, kg/min). Words that the
   plant, the panel and the wire use stand in `mixer_words.c`. */
#ifndef RHEOSTAT_MIXER_H
#define RHEOSTAT_MIXER_H

#include "block.h"

typedef enum {
    MASS, TEMP, JACKET_TEMP, ANCHOR_SPEED, TORQUE, VISCOSITY, SOLVENT_FLOW, SOLVENT_TOTAL, AMBIENT,
    LAB_VISCOSITY, LAB_AGE, LAB_NUMBER, SENSORS
} mixer_sensor;

typedef enum {
    ANCHOR_CMD, DISPERSER_CMD, JACKET_CMD, SOLVENT_CMD, CHARGE_SOLVENT, CHARGE_ADHESIVE,
    ADD_ENHANCER, ADD_API, VACUUM, TRANSFER_FLOW, LAB_SAMPLE, DRIVES
} mixer_drive;

typedef enum {
    KEY_REMOTE, RESET, HOLD, RESTART, ABORT, START_BATCH, RELEASE, FREEZE_HEARTBEAT,
    EMERGENCY_STOP, PANEL
} mixer_button;

typedef enum { ANCHOR, JACKET, SOLVENT, SETPOINTS } mixer_setpoint;

typedef enum {
    PHASE_IDLE, PHASE_INERT, PHASE_CHARGE_SOLVENT, PHASE_CHARGE_ADHESIVE, PHASE_ADD_ENHANCER,
    PHASE_ADD_API, PHASE_DISPERSE, PHASE_HOMOGENISE, PHASE_TRIM, PHASE_DEAERATE,
    PHASE_SAMPLE_HOLD, PHASE_TRANSFER, PHASE_CLEAN
} mixer_phase;

typedef struct {
    float setpoint[SETPOINTS];
    bool remote_request;
    uint16_t sequence, heartbeat;
} mixer_wire;

enum { LAB_MOST = 4096, EVENTS_MOST = 4, EVENT_LENGTH = 120 };

typedef struct {
    double factor, trust, smooth, now_s;
    int seen, first, used;
    double at_s[LAB_MOST], value[LAB_MOST];
} mixer_lab;

typedef struct {
    double viscosity_pa_s, temp_k; /* recipe */
    rheostat_group group;
    rheostat_pi jacket;
    rheostat_trip torque_trip, temp_trip;
    mixer_lab lab;
    mixer_phase phase;
    int batch;
    bool held, woken, was_tripped, capped;
    bool pressed[PANEL]; /* the panel one scan ago */
    unsigned causes;     /* what the latch holds, as bits */
    double phase_s, mass_at_phase_kg, lab_due_s, steady_s;
    int lab_at_phase;
    double eta25, trim_integral_pa_s, trim_head_kg_s, torque_cut_rev_s;
    uint16_t heartbeat;
    /* what a scan brought */
    double drives[DRIVES];
    float before[SETPOINTS]; /* setpoints in use before this scan */
    int events;
    char event[EVENTS_MOST][EVENT_LENGTH];
    int owner_event; /* which of the events is a change of the owner, or -1 */
} mixer;

extern const char *const mixer_sensor_names[SENSORS];
extern const char *const mixer_drive_names[DRIVES];
extern const char *const mixer_panel_names[PANEL];
extern const char *const mixer_setpoint_names[SETPOINTS];

/* A fresh program; the machine is asked what it does at the first scan. */
void mixer_start(mixer *m, double viscosity_pa_s, double temp_k, mixer_phase phase, int batch);

/* One scan of dt_s plant seconds; a sensor that says nothing is NaN. */
void mixer_scan(mixer *m, double dt_s, const double sensor[SENSORS], const mixer_wire *wire,
                const bool panel[PANEL]);

bool mixer_in_control(const mixer *m);

/* What the PLC shows as the setpoint in use: after torque limit and batch cap. */
float mixer_shown(const mixer *m, mixer_setpoint which);

/* The viscometer corrected to 25 C and to the laboratory [Pa s], or NaN. */
void mixer_lab_start(mixer_lab *lab);
double mixer_lab_scan(mixer_lab *lab, double dt_s, const double sensor[SENSORS], bool learn);

/* A setpoint of the wire's unit in SI. */
double mixer_si(mixer_setpoint which, float value);

#endif

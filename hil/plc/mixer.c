#include "mixer.h"
#include "mixer_batch.h"

#include <math.h>
#include <stdio.h>

/* The machine's own box and pace, in the units of the wire; wider and quicker than the engine's. */
static const float LOW[SETPOINTS] = {5.0f, 8.0f, 0.0f};
static const float HIGH[SETPOINTS] = {60.0f, 50.0f, 2.0f};
static const float RATE[SETPOINTS] = {0.5f, 0.1f, 0.1f}; /* a second */
static const float WATCHDOG_S = 60.0f;                   /* three cycles of the engine */
static const double LONGEST_SCAN_S = 15.0; /* a scan later than that is taken for this long */

static const double KELVIN = 273.15, RPM = 1.0 / 60.0, KG_MIN = 1.0 / 60.0;
static const double TORQUE_LIMIT_N_M = 420.0;
static const float ANCHOR_REST_RPM = 30.0f;
static const double DISPERSER_REV_S = 1200.0 / 60.0;
static const double ATMOSPHERE_PA = 101325.0, DEAERATE_PA = 25000.0;
static const double LAB_EVERY_S = 1800.0, MOST_SOLVENT_KG = 30.0;

/* Jacket loop, lambda-tuned: tau 57 min, lag 5 min, lambda 10 min, gain about 1 (Rivera 1986). */
static const float JACKET_GAIN = 3.8f, JACKET_INTEGRAL_S = 3420.0f;
/* Trim loop: integrating, -0.07 Pa s per kg of solvent, 10 min of blending and viscometer. */
static const double TRIM_GAIN = 0.012, TRIM_INTEGRAL_S = 7200.0, TRIM_FADE_S = 600.0;

enum { CAUSE_TORQUE = 1, CAUSE_TEMP = 2, CAUSE_STOP = 4 };

double mixer_si(mixer_setpoint which, float value)
{
    return which == JACKET ? (double)value + KELVIN : (double)value / 60.0;
}

void mixer_start(mixer *m, double viscosity_pa_s, double temp_k, mixer_phase phase, int batch)
{
    *m = (mixer){.viscosity_pa_s = viscosity_pa_s, .temp_k = temp_k, .phase = phase, .batch = batch,
                 .eta25 = NAN};
    mixer_lab_start(&m->lab);
    for (int i = 0; i < SETPOINTS; i++) {
        m->group.low[i] = LOW[i];
        m->group.high[i] = HIGH[i];
        m->group.rate[i] = RATE[i];
    }
    m->group.count = SETPOINTS;
    m->group.watchdog_s = WATCHDOG_S;
    m->jacket.gain = JACKET_GAIN;
    m->jacket.integral_s = JACKET_INTEGRAL_S;
    m->torque_trip = (rheostat_trip){.low = -1000.0f, .high = 520.0f, .back_low = -1000.0f,
                                     .back_high = 500.0f, .delay_s = 1.0f};
    m->temp_trip = (rheostat_trip){.low = -20.0f, .high = 40.0f, .back_low = -20.0f,
                                   .back_high = 39.0f, .delay_s = 5.0f};
}

bool mixer_in_control(const mixer *m)
{
    return m->phase >= PHASE_HOMOGENISE && m->phase <= PHASE_SAMPLE_HOLD && !m->held;
}

float mixer_shown(const mixer *m, mixer_setpoint which)
{
    if (which == ANCHOR)
        return fmaxf(m->group.active[ANCHOR] - (float)(m->torque_cut_rev_s / RPM), 0.0f);
    return which == SOLVENT && m->capped ? 0.0f : m->group.active[which];
}

/* Start from what the machine does, not from what a table says. */
static void wake(mixer *m, const double sensor[SENSORS])
{
    const float anchor = (float)(or_zero(sensor[ANCHOR_SPEED]) / RPM);
    const double jacket_k = isnan(sensor[JACKET_TEMP]) ? m->temp_k : sensor[JACKET_TEMP];
    m->group.start[ANCHOR] = anchor > LOW[ANCHOR] ? anchor : ANCHOR_REST_RPM;
    m->group.start[JACKET] = (float)(jacket_k - KELVIN);
    m->group.start[SOLVENT] = 0.0f;
    mixer_note_phase(m, sensor);
    m->woken = true;
}

static bool interlocks(mixer *m, float scan_s, const double sensor[SENSORS], bool stop)
{
    m->torque_trip.scan_s = m->temp_trip.scan_s = scan_s;
    m->torque_trip.pv = (float)sensor[TORQUE];
    m->temp_trip.pv = (float)(sensor[TEMP] - KELVIN);
    rheostat_trip_scan(&m->torque_trip);
    rheostat_trip_scan(&m->temp_trip);
    const unsigned causes = (m->torque_trip.cause ? CAUSE_TORQUE : 0u) |
                            (m->temp_trip.cause ? CAUSE_TEMP : 0u) | (stop ? CAUSE_STOP : 0u);
    m->causes |= causes;
    return causes != 0;
}

static void tell_trip(mixer *m)
{
    const bool tripped = m->group.tripped;
    if (tripped && !m->was_tripped)
        snprintf(mixer_event(m), EVENT_LENGTH, "trip:%s%s%s",
                 m->causes & CAUSE_TORQUE ? " anchor torque above its trip or unknown;" : "",
                 m->causes & CAUSE_TEMP ? " batch above 40 degC or unknown;" : "",
                 m->causes & CAUSE_STOP ? " emergency stop;" : "");
    else if (!tripped && m->was_tripped)
        snprintf(mixer_event(m), EVENT_LENGTH, "trip reset");
    if (!tripped)
        m->causes = 0;
    m->was_tripped = tripped;
}

/* What the trim loop itself would dose [kg/s], before it is cut at zero. */
static double trim_wish(const mixer *m)
{
    const double error = m->eta25 - m->viscosity_pa_s;
    return isfinite(error) ? TRIM_GAIN * (error + m->trim_integral_pa_s) : 0.0;
}

/* Solvent [kg/s] from a PI that can only thin. What the dose was when this loop took over fades
   out, so that taking over is no bump. */
static double trim_dose(mixer *m, double dt_s)
{
    if (!mixer_in_control(m) || m->phase == PHASE_HOMOGENISE || !isfinite(m->eta25))
        return 0.0;
    const double error = m->eta25 - m->viscosity_pa_s;
    m->trim_head_kg_s *= exp(-dt_s / TRIM_FADE_S);
    const double dose = trim_wish(m) + m->trim_head_kg_s;
    if ((dose > 0.0 && dose < (double)HIGH[SOLVENT] * KG_MIN) || error * dose < 0.0)
        m->trim_integral_pa_s += error * dt_s / TRIM_INTEGRAL_S;
    m->trim_integral_pa_s = fmax(m->trim_integral_pa_s, 0.0);
    return fmax(dose, 0.0);
}

static void tell_owner(mixer *m, bool was_remote)
{
    static const char *const LEFT[] = {
        [LEFT_WATCHDOG] = "local: the engine's heartbeat stood still for 60 s (watchdog)",
        [LEFT_GIVEN_BACK] = "local: the engine gave the loop back",
        [LEFT_KEY] = "local: the operator's key or the batch took the loop back",
        [LEFT_TRIP] = "local: a trip took the loop back",
        [LEFT_SETTINGS] = "local: the PLC's settings make no sense",
    };
    m->owner_event = -1;
    if (m->group.remote_active == was_remote)
        return;
    m->owner_event = m->events;
    snprintf(mixer_event(m), EVENT_LENGTH, "%s",
             was_remote ? LEFT[m->group.left]
                        : "remote: the engine asked and its heartbeat is alive");
    m->trim_integral_pa_s = 0.0;
    m->trim_head_kg_s = mixer_si(SOLVENT, m->group.active[SOLVENT]) - trim_wish(m);
}

/* The block with its wiring: whoever owns the setpoints moves them. */
static void setpoints(mixer *m, double dt_s, const double sensor[SENSORS], const mixer_wire *wire)
{
    rheostat_group *group = &m->group;
    const bool was_remote = group->remote_active;
    for (int i = 0; i < SETPOINTS; i++) {
        m->before[i] = group->active[i];
        group->setpoint[i] = wire->setpoint[i];
        group->local_sp[i] = group->active[i];
    }
    m->jacket.run = !was_remote;
    m->jacket.scan_s = group->scan_s;
    m->jacket.pv = (float)(sensor[TEMP] - KELVIN);
    m->jacket.target = (float)(m->temp_k - KELVIN);
    m->jacket.current = group->active[JACKET];
    rheostat_pi_scan(&m->jacket);
    group->local_sp[JACKET] = m->jacket.wanted;
    if (!was_remote)
        group->local_sp[SOLVENT] = (float)(trim_dose(m, dt_s) / KG_MIN);
    group->remote_request = wire->remote_request;
    group->engine_beat = wire->heartbeat;
    group->commit = wire->heartbeat; /* the last word of every write: what came before is whole */
    group->permit = mixer_in_control(m);
    rheostat_group_scan(group);
    m->capped = or_zero(sensor[SOLVENT_TOTAL]) >= MOST_SOLVENT_KG;
    tell_owner(m, was_remote);
}

static void drive(mixer *m, double dt_s, const double sensor[SENSORS])
{
    const bool tripped = m->group.tripped;
    const mixer_phase phase = tripped || m->held ? PHASE_IDLE : m->phase;
    const double cut = sensor[TORQUE] > TORQUE_LIMIT_N_M ? 0.2 * RPM : -0.1 * RPM;
    m->torque_cut_rev_s = fmin(fmax(m->torque_cut_rev_s + cut * dt_s, 0.0), 50.0 * RPM);
    const bool turning = m->phase > PHASE_INERT && m->phase < PHASE_CLEAN && !tripped;
    m->lab_due_s -= dt_s;
    const bool sample = (phase == PHASE_TRIM || phase == PHASE_SAMPLE_HOLD) && m->lab_due_s <= 0.0;
    if (sample)
        m->lab_due_s = LAB_EVERY_S;
    double *to = m->drives;
    to[ANCHOR_CMD] = turning ? mixer_si(ANCHOR, mixer_shown(m, ANCHOR)) : 0.0;
    to[DISPERSER_CMD] = phase == PHASE_ADD_API || phase == PHASE_DISPERSE ? DISPERSER_REV_S : 0.0;
    to[JACKET_CMD] = mixer_si(JACKET, m->group.active[JACKET]);
    to[SOLVENT_CMD] = phase >= PHASE_HOMOGENISE && phase <= PHASE_SAMPLE_HOLD
                          ? mixer_si(SOLVENT, mixer_shown(m, SOLVENT))
                          : 0.0;
    to[CHARGE_SOLVENT] = phase == PHASE_CHARGE_SOLVENT ? 30.0 * KG_MIN : 0.0;
    to[CHARGE_ADHESIVE] = phase == PHASE_CHARGE_ADHESIVE ? 30.0 * KG_MIN : 0.0;
    to[ADD_ENHANCER] = phase == PHASE_ADD_ENHANCER ? 5.0 * KG_MIN : 0.0;
    to[ADD_API] = phase == PHASE_ADD_API ? 1.5 * KG_MIN : 0.0;
    to[VACUUM] = phase == PHASE_DEAERATE ? DEAERATE_PA : ATMOSPHERE_PA;
    to[TRANSFER_FLOW] = phase == PHASE_TRANSFER ? 30.0 * KG_MIN : 0.0;
    to[LAB_SAMPLE] = sample ? 1.0 : 0.0;
}

void mixer_scan(mixer *m, double dt_s, const double sensor[SENSORS], const mixer_wire *wire,
                const bool panel[PANEL])
{
    m->events = 0;
    if (!m->woken)
        wake(m, sensor);
    m->group.scan_s = (float)fmin(dt_s, LONGEST_SCAN_S);
    m->eta25 = mixer_lab_scan(&m->lab, dt_s, sensor, mixer_in_control(m));
    m->group.trip_cause = interlocks(m, m->group.scan_s, sensor, panel[EMERGENCY_STOP]);
    m->group.key_remote = panel[KEY_REMOTE];
    m->group.reset = panel[RESET];
    mixer_sequence(m, dt_s, sensor, panel, m->group.tripped || m->group.trip_cause);
    setpoints(m, dt_s, sensor, wire);
    tell_trip(m);
    drive(m, dt_s, sensor);
    if (!panel[FREEZE_HEARTBEAT])
        m->heartbeat = (uint16_t)m->group.heartbeat;
    for (int i = 0; i < PANEL; i++)
        m->pressed[i] = panel[i];
}

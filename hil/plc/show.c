#include "show.h"

#include <math.h>
#include <string.h>

typedef enum { COUNT, FLAG, REAL } kind;

typedef enum {
    HEARTBEAT, RUNNING, INTERLOCKS_OK, REMOTE_READY, REMOTE_ACTIVE, THE_PHASE, BATCH, LAB_COUNT,
    FIRST_SENSOR, ANCHOR_ACTIVE = FIRST_SENSOR + LAB_NUMBER, JACKET_ACTIVE, SOLVENT_ACTIVE, IMAGE
} shown;

#define RPM (1.0 / 60.0)
#define KG_MIN (1.0 / 60.0)
#define KELVIN 273.15

/* SI = wire * gain + offset. */
static const struct {
    const char *name;
    int at;
    kind kind;
    double gain, offset;
} MAP[IMAGE] = {
    [HEARTBEAT] = {"mixer.heartbeat", 0, COUNT, 1.0, 0.0},
    [RUNNING] = {"mixer.running", 1, FLAG, 1.0, 0.0},
    [INTERLOCKS_OK] = {"mixer.interlocks_ok", 2, FLAG, 1.0, 0.0},
    [REMOTE_READY] = {"mixer.remote_ready", 3, FLAG, 1.0, 0.0},
    [REMOTE_ACTIVE] = {"mixer.remote_active", 4, FLAG, 1.0, 0.0},
    [THE_PHASE] = {"mixer.phase", 5, COUNT, 1.0, 0.0},
    [BATCH] = {"mixer.batch", 6, COUNT, 1.0, 0.0},
    [LAB_COUNT] = {"mixer.lab_number", 7, COUNT, 1.0, 0.0},
    [FIRST_SENSOR + MASS] = {"mixer.mass", 8, REAL, 1.0, 0.0},
    [FIRST_SENSOR + TEMP] = {"mixer.temp", 10, REAL, 1.0, KELVIN},
    [FIRST_SENSOR + JACKET_TEMP] = {"mixer.jacket_temp", 12, REAL, 1.0, KELVIN},
    [FIRST_SENSOR + ANCHOR_SPEED] = {"mixer.anchor_speed", 14, REAL, RPM, 0.0},
    [FIRST_SENSOR + TORQUE] = {"mixer.torque", 16, REAL, 1.0, 0.0},
    [FIRST_SENSOR + VISCOSITY] = {"mixer.viscosity", 18, REAL, 1.0, 0.0},
    [FIRST_SENSOR + SOLVENT_FLOW] = {"mixer.solvent_flow", 20, REAL, KG_MIN, 0.0},
    [FIRST_SENSOR + SOLVENT_TOTAL] = {"mixer.solvent_total", 22, REAL, 1.0, 0.0},
    [FIRST_SENSOR + AMBIENT] = {"mixer.ambient_temp", 24, REAL, 1.0, KELVIN},
    [FIRST_SENSOR + LAB_VISCOSITY] = {"mixer.lab_viscosity", 26, REAL, 1.0, 0.0},
    [FIRST_SENSOR + LAB_AGE] = {"mixer.lab_age", 28, REAL, 60.0, 0.0},
    [ANCHOR_ACTIVE] = {"mixer.anchor_sp_active", 30, REAL, RPM, 0.0},
    [JACKET_ACTIVE] = {"mixer.jacket_sp_active", 32, REAL, 1.0, KELVIN},
    [SOLVENT_ACTIVE] = {"mixer.solvent_sp_active", 34, REAL, KG_MIN, 0.0},
};

static void image_of(const mixer *m, const double sensor[SENSORS], double si[IMAGE])
{
    si[HEARTBEAT] = m->heartbeat;
    si[RUNNING] = mixer_in_control(m) && !m->group.tripped;
    si[INTERLOCKS_OK] = !m->group.tripped;
    si[REMOTE_READY] = m->group.remote_ready;
    si[REMOTE_ACTIVE] = m->group.remote_active;
    si[THE_PHASE] = m->phase;
    si[BATCH] = m->batch;
    si[LAB_COUNT] = isnan(sensor[LAB_NUMBER]) ? 0.0 : sensor[LAB_NUMBER];
    for (int i = 0; i < LAB_NUMBER; i++)
        si[FIRST_SENSOR + i] = sensor[i];
    for (int i = 0; i < SETPOINTS; i++)
        si[ANCHOR_ACTIVE + i] = mixer_si((mixer_setpoint)i, mixer_shown(m, (mixer_setpoint)i));
}

void show_registers(const mixer *m, const double sensor[SENSORS], uint16_t to[REGISTERS])
{
    double si[IMAGE];
    image_of(m, sensor, si);
    for (int i = 0; i < IMAGE; i++) {
        const double wire = (si[i] - MAP[i].offset) / MAP[i].gain;
        if (MAP[i].kind == REAL) {
            const float value = (float)wire;
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            to[MAP[i].at] = (uint16_t)(bits >> 16);
            to[MAP[i].at + 1] = (uint16_t)bits;
        } else {
            to[MAP[i].at] = (uint16_t)(long)wire;
        }
    }
}

void show_words(const mixer *m, const double sensor[SENSORS], json_text *to)
{
    double si[IMAGE];
    image_of(m, sensor, si);
    json_put(to, "\"image\":{");
    for (int i = 0; i < IMAGE; i++) {
        if (MAP[i].kind == FLAG)
            json_flag(to, MAP[i].name, si[i] != 0.0);
        else
            json_number(to, MAP[i].name, si[i]);
    }
    json_close(to);
    json_put(to, ",\"active\":{");
    for (int i = 0; i < SETPOINTS; i++)
        json_number(to, mixer_setpoint_names[i], mixer_si((mixer_setpoint)i, m->group.active[i]));
    json_close(to);
}

static void put_setpoints(const char *name, const float value[SETPOINTS], json_text *to)
{
    json_put(to, ",\"%s\":{", name);
    for (int i = 0; i < SETPOINTS; i++)
        json_number(to, mixer_setpoint_names[i], mixer_si((mixer_setpoint)i, value[i]));
    json_close(to);
}

void show_event(const mixer *m, int event, json_text *to)
{
    json_put(to, "\"event\":\"%s\"", m->event[event]);
    if (event == m->owner_event) {
        put_setpoints("before", m->before, to);
        put_setpoints("after", m->group.active, to);
    }
}

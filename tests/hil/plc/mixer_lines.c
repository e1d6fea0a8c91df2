/* Runs the mixer's program without its process: a scan a line of JSON in, what it brought a line out.
   {"dt_s":1.0,"sensors":{...},"wire":{...},"panel":{...}}; {"start":{"phase":8,...}} begins afresh. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "messages.h"
#include "show.h"

static mixer program;
static double sensor[SENSORS], dt_s, recipe_viscosity, recipe_temp;
static mixer_wire wire;
static bool panel[PANEL], starting;
static int phase, batch;

static bool take(void *self, const json_value *v)
{
    (void)self;
    for (int i = 0; i < SENSORS; i++)
        if (strcmp(v->in, "sensors") == 0 && strcmp(v->name, mixer_sensor_names[i]) == 0)
            sensor[i] = v->number;
    for (int i = 0; i < PANEL; i++)
        if (strcmp(v->in, "panel") == 0 && strcmp(v->name, mixer_panel_names[i]) == 0)
            panel[i] = v->number != 0.0;
    for (int i = 0; i < SETPOINTS; i++)
        if (strcmp(v->in, "wire") == 0 && strcmp(v->name, mixer_setpoint_names[i]) == 0)
            wire.setpoint[i] = (float)v->number;
    starting = starting || strcmp(v->in, "start") == 0;
    if (strcmp(v->name, "dt_s") == 0)
        dt_s = v->number;
    else if (strcmp(v->name, "mixer.remote_request") == 0)
        wire.remote_request = v->number != 0.0;
    else if (strcmp(v->name, "mixer.engine_heartbeat") == 0)
        wire.heartbeat = (uint16_t)v->number;
    else if (strcmp(v->name, "phase") == 0)
        phase = (int)v->number;
    else if (strcmp(v->name, "batch") == 0)
        batch = (int)v->number;
    else if (strcmp(v->name, "viscosity_pa_s") == 0)
        recipe_viscosity = v->number;
    else if (strcmp(v->name, "temp_k") == 0)
        recipe_temp = v->number;
    return true;
}

static void tell(void)
{
    char room[8192];
    json_text to = {room, sizeof room, 0, false};
    json_put(&to, "{\"drives\":{");
    for (int i = 0; i < DRIVES; i++)
        json_number(&to, mixer_drive_names[i], program.drives[i]);
    json_close(&to);
    json_put(&to, ",");
    show_words(&program, sensor, &to);
    json_put(&to, ",\"lab_factor\":%.17g,\"phase_s\":%.17g,\"held\":%s,\"events\":[",
             program.lab.factor, program.phase_s, program.held ? "true" : "false");
    for (int i = 0; i < program.events; i++) {
        json_put(&to, i > 0 ? ",{" : "{");
        show_event(&program, i, &to);
        json_put(&to, "}");
    }
    json_put(&to, "]}");
    puts(to.full ? "{}" : room);
}

int main(void)
{
    static char line[1 << 16];
    while (fgets(line, sizeof line, stdin) != NULL) {
        starting = false;
        for (int i = 0; i < SENSORS; i++)
            sensor[i] = (double)NAN;
        if (!json_read(line, strlen(line), take, NULL))
            return 2;
        if (starting)
            mixer_start(&program, recipe_viscosity, recipe_temp, (mixer_phase)phase, batch);
        else {
            mixer_scan(&program, dt_s, sensor, &wire, panel);
            tell();
        }
        fflush(stdout);
    }
    return 0;
}

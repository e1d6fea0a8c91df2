/* A soft PLC: the mixer's program on an absolute-deadline scan, with a Modbus/TCP server.

     soft_plc --port 5021 --door FOLDER/plc-mixer.sock [--unit 1] [--leash PARENT_PID]

   It waits for a plant: somebody plugs the field cable in at the side door (`hil/soft_plc.py` does).
   A scan reads its inputs once, runs the program and shows its outputs once. A missed slot is
   skipped, never caught up in a burst. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "plc.h"

static const double PLANT_SCAN_S = 1.0, SHORTEST_SCAN_S = 0.02;

static plc the_plc;
static volatile sig_atomic_t told_to_end;

static void end(int number)
{
    (void)number;
    told_to_end = 1;
}

double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void plc_log(plc *p, const char *members)
{
    if (p->log != NULL) {
        fprintf(p->log, "{\"mono_s\":%.9f,\"plant_s\":%.9g,%s}\n", monotonic_s(), p->plant_s,
                members);
        fflush(p->log);
    }
}

const char *plc_plug_in(plc *p, const plc_plug *plug)
{
    const bool cold = strcmp(plug->start, "cold") == 0;
    if (plug->field_port == 0 || !(plug->speed > 0.0 && plug->speed <= 1000.0))
        return "ValueError: plug needs the field's port and a speed above zero";
    if (!(plug->viscosity_pa_s > 0.0 && plug->temp_k > 200.0 && plug->temp_k < 400.0))
        return "ValueError: plug needs a recipe: viscosity_pa_s and temp_k";
    if (!cold && strcmp(plug->start, "running") != 0)
        return "ValueError: start is 'running' or 'cold'";
    FILE *log = fopen(plug->log, "ae");
    if (log == NULL)
        return "ValueError: the log cannot be opened";
    if (p->log != NULL)
        fclose(p->log);
    p->log = log;
    p->field_port = plug->field_port;
    p->speed = plug->speed;
    p->plugs++;
    p->field_seen = false;
    p->plant_s = p->late_s = p->latest_s = 0.0;
    p->scans = p->missed = 0;
    memset(p->panel, 0, sizeof p->panel);
    p->panel[KEY_REMOTE] = true;
    p->wire = (mixer_wire){.setpoint = {NAN, NAN, NAN}};
    mixer_start(&p->program, plug->viscosity_pa_s, plug->temp_k, cold ? PHASE_IDLE : PHASE_TRIM,
                cold ? 0 : 1);
    pthread_cond_broadcast(&p->scanned);
    return NULL;
}

/* One scan with the lock held. */
static void scan(plc *p, double dt_s)
{
    static const mixer_button SPRING[] = {RESET, HOLD, RESTART, ABORT, START_BATCH};
    p->plant_s += dt_s;
    mixer_scan(&p->program, dt_s, p->sensor, &p->wire, p->panel);
    p->scans++;
    for (int i = 0; i < p->program.events; i++) {
        char members[1024];
        json_text to = {members, sizeof members, 0, false};
        show_event(&p->program, i, &to);
        plc_log(p, members);
    }
    for (size_t i = 0; i < sizeof SPRING / sizeof *SPRING; i++)
        p->panel[SPRING[i]] = false;
    pthread_cond_signal(&p->scanned);
}

static void sleep_until(double due_s)
{
    const struct timespec due = {.tv_sec = (time_t)due_s,
                                 .tv_nsec = (long)(1e9 * (due_s - floor(due_s)))};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL); /* a signal ends it early */
}

static void scan_for_ever(plc *p)
{
    double due_s = monotonic_s(), last_s = due_s;
    unsigned plugs = 0;
    while (!told_to_end) {
        sleep_until(due_s);
        pthread_mutex_lock(&p->lock);
        const double now_s = monotonic_s(), late_s = now_s - due_s;
        double period_s = SHORTEST_SCAN_S;
        if (p->field_seen) {
            period_s = fmax(PLANT_SCAN_S / p->speed, SHORTEST_SCAN_S);
            if (plugs != p->plugs) {
                plugs = p->plugs;
                last_s = now_s - period_s;
            } else {
                p->late_s += late_s;
                p->latest_s = fmax(p->latest_s, late_s);
            }
            scan(p, (now_s - last_s) * p->speed);
            last_s = now_s;
        }
        const double slots = floor(fmax(late_s, 0.0) / period_s) + 1.0;
        p->missed += p->field_seen ? (unsigned long)(slots - 1.0) : 0ul;
        due_s += slots * period_s;
        pthread_mutex_unlock(&p->lock);
    }
}

static int options(plc *p, int argc, char **argv)
{
    static const struct option KNOWN[] = {{"port", required_argument, NULL, 'p'},
                                          {"door", required_argument, NULL, 'd'},
                                          {"unit", required_argument, NULL, 'u'},
                                          {"leash", required_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
    p->unit = 1;
    for (int found; (found = getopt_long(argc, argv, "", KNOWN, NULL)) != -1;) {
        switch (found) {
        case 'p': p->port = atoi(optarg); break;
        case 'd': p->door = optarg; break;
        case 'u': p->unit = atoi(optarg); break;
        case 'l':
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != atoi(optarg)) {
                fprintf(stderr, "the parent process is gone\n");
                return 1;
            }
            break;
        default: return 2;
        }
    }
    if (p->port < 1 || p->port > 65535 || p->door == NULL || p->unit < 0 || p->unit > 255) {
        fprintf(stderr, "usage: soft_plc --port N --door PATH [--unit N] [--leash PID]\n");
        return 2;
    }
    return 0;
}

static bool start(void *(*work)(void *), plc *p)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, work, p) == 0;
}

int main(int argc, char **argv)
{
    plc *p = &the_plc;
    const struct sigaction ending = {.sa_handler = end};
    sigset_t ends;
    const int wrong = options(p, argc, argv);
    if (wrong != 0)
        return wrong;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->scanned, NULL);
    mixer_start(&p->program, 1.0, 298.15, PHASE_IDLE, 0);
    for (int i = 0; i < SENSORS; i++)
        p->sensor[i] = NAN;
    if (!modbus_listen(p) || !door_listen(p)) {
        fprintf(stderr, "cannot listen on 127.0.0.1:%d and at %s: %s\n", p->port, p->door,
                strerror(errno));
        return 1;
    }
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* the threads inherit this: only the scan is told */
    if (!start(field_cable, p) || !start(modbus_server, p) || !start(side_door, p))
        return 1;
    sigaction(SIGTERM, &ending, NULL);
    sigaction(SIGINT, &ending, NULL);
    pthread_sigmask(SIG_UNBLOCK, &ends, NULL);
    printf("{\"ready\":true,\"pid\":%d,\"port\":%d,\"host\":\"127.0.0.1\"}\n", (int)getpid(),
           p->port);
    fflush(stdout);
    scan_for_ever(p);
    unlink(p->door);
    return 0;
}
